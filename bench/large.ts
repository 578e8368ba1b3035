import { writeLargeModel } from './models.js';

/* `large.js OUT [GB]`: a model with so many gigabytes of weights in a side file, 6 if left out, to try what models beyond 2 GiB cost. */
const [path = 'large.onnx', gigabytes = '6'] = process.argv.slice(2);
await writeLargeModel(path, Number(gigabytes) * 1e9);
