import type { Value } from '../graph/ir.js';
import { asymmetricBlock, averagedBlock, isReplaced } from './asymmetric.js';
import { type ConvOptions, Layers, type NormOptions } from './layers.js';
import type { Style } from './network.js';

export type { ConvOptions, NormOptions } from './layers.js';

/** A place in a network, with its layers. Entries of the state dict are made in the order of the calls. */
export class Scope extends Layers {
  at(child: string | number): Scope {
    return new Scope(this.net, this.name(child));
  }

  /** This place, where convolutions are written in another style. */
  styled(style: Style): Scope {
    return new Scope(this.net.styled(style), this.path);
  }

  /** Runs `make`; the state dict has the entries of `child`, which it makes, before the others. */
  registeredFirst(child: string, make: () => Value): Value {
    const { params } = this.net;
    const mark = params.length;
    const made = make();
    const fresh = params.splice(mark);
    const isFirst = (p: { readonly name: string }): boolean => p.name.startsWith(`${this.name(child)}.`);
    params.push(...fresh.filter(isFirst), ...fresh.filter((p) => !isFirst(p)));
    return made;
  }

  /** x: N,C,H,W. Written as the network's style says: an asymmetric block, paths, or one Conv. Throws `builder/shape`, `builder/groups`. */
  conv(x: Value, name: string | number, options: ConvOptions): Value {
    const { acb } = this.net.style;
    if (!acb || !isReplaced(options)) return this.convolution(x, name, options);
    return acb === 'plain'
      ? averagedBlock(this.at(name), x, options)
      : asymmetricBlock(this.at(name), x, { ...options, eps: undefined });
  }

  /** A convolution and the BatchNormalization on it, which moves into the branches where the convolution becomes an asymmetric block. */
  convBn(x: Value, conv: string | number, bn: string | number, options: ConvOptions & NormOptions): Value {
    if (this.net.style.acb === 'authors' && isReplaced(options)) return asymmetricBlock(this.at(conv), x, options);
    return this.batchNorm(this.conv(x, conv, options), bn, options);
  }
}
