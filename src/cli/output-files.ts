import { join } from 'node:path';
import { makeFolder, writeFile } from '../node/files/write-file.js';
import { type Feeds, writeNpy } from '../index.js';

/** Outputs of a model as NAME.npy in a folder, which is made if it is not there; N.NAME.npy where it runs several times. */
export class OutputFiles {
  readonly #folder: string;
  readonly #numbered: boolean;
  readonly #taken = new Set<string>();
  #last: Feeds | undefined;
  #count = 0;

  constructor(folder: string, numbered: boolean) {
    this.#folder = folder;
    this.#numbered = numbered;
  }

  /** What one run gave; the same outputs again, for another of its images, are written once. */
  async write(outputs: Feeds): Promise<void> {
    if (outputs === this.#last) return;
    this.#last = outputs;
    this.#count += 1;
    await makeFolder(this.#folder);
    for (const [name, tensor] of outputs) {
      const stem = this.#numbered ? `${this.#count}.${name}` : name;
      await writeFile(join(this.#folder, `${this.#fileName(stem)}.npy`), writeNpy(tensor));
    }
  }

  /** A name from a model as one that is harmless in a path of ours, and that no other output has. */
  #fileName(name: string): string {
    const plain = name.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_');
    let unused = plain;
    for (let n = 2; this.#taken.has(unused.toLowerCase()); n++) unused = `${plain}.${n}`;
    this.#taken.add(unused.toLowerCase());
    return unused;
  }
}
