/*
 * A rewrite rule of one's own, used beside those of cnnx: Sqrt(Mul(x, x)) -> Abs(x).
 * Run: npx tsx examples/own-rule.ts
 */
import { fuse, ops, parseGraph, printGraph, rule, skip } from 'cnnx';

const sqrtOfSquare = rule({
  name: 'sqrt-of-square',
  doc: 'Sqrt(Mul(x, x)) -> Abs(x)',
  root: ops.Sqrt,
  apply(sqrt, edit) {
    const mul = sqrt.in.x.producer;
    if (!mul?.is(ops.Mul)) return skip('own: the input is no Mul');
    if (mul.in.a !== mul.in.b) return skip('own: two different factors');
    edit.replace(sqrt, ops.Abs, { x: mul.in.a });
  },
});

const model = parseGraph(`(x: float32[2,3]) -> (y)
  square = Mul(x, x)
  y = Sqrt(square)`);
const report = await fuse(model, { rules: [sqrtOfSquare] });
console.log(`applied ${report.applied.get('sqrt-of-square') ?? 0} time`);
console.log(printGraph(model));
