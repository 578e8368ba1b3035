import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { concat } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { writeOnnx } from '../../formats/onnx/index.js';
import { parseGraph } from '../../text/parse.js';
import { asFloat32, float32Tensor } from '../../tensor/tensor.js';
import { ModelProcess } from '../machine/model-process.js';
import { ensureOrt, ortFolder } from './package.js';
import { Profile } from './profile.js';
import type { ProviderProbe } from './provider-probe.js';
import { rememberedFailures, rememberFailures } from './remembered.js';
import type { ProviderName } from '../../running/session.js';

/** The order in which `auto` tries them. onnxruntime-node itself never falls back from one that does not load. */
export const PROVIDERS: readonly ProviderName[] = ['cuda', 'webgpu', 'cpu'];

/** A shader compiler on a software adapter takes seconds. */
const PROBE_TIMEOUT = 60_000;

const PROBE = `(x: float32[1,1,4,4]) -> (y)
  y = Conv(x, w: float32[1,1,3,3] = [1,2,3,4,5,6,7,8,9])`;
const RAMP = Array.from({ length: 16 }, (_, i) => i);
/** Sums of w times windows of 0..15, by hand. */
const EXPECTED = [303, 348, 483, 528];

/** Runs a tiny convolution on a provider, in a process of its own: a broken provider library can crash whoever loads it. */
export async function probeProvider(provider: ProviderName, deviceId?: number): Promise<ProviderProbe> {
  const start = performance.now();
  const process = new ModelProcess({ timeout: PROBE_TIMEOUT, logErrors: true });
  const profile = new Profile();
  const result = (reason?: string): ProviderProbe => ({
    provider,
    works: reason === undefined,
    reason,
    hint: reason === undefined ? undefined : remedy(provider, reason),
    milliseconds: Math.round(performance.now() - start),
  });
  try {
    const model = concat(writeOnnx(parseGraph(PROBE)));
    const session = await process.load(model, { provider, deviceId, profilePrefix: profile.prefix });
    const y = (await session.run(new Map([['x', float32Tensor([1, 1, 4, 4], RAMP)]]))).get('y');
    await session.release();
    const values = y ? [...asFloat32(y)] : [];
    if (!EXPECTED.every((e, i) => Math.abs((values[i] ?? 0) - e) < 1e-3 * e))
      return result(`a convolution came out wrong: ${values.join(', ')} instead of ${EXPECTED.join(', ')}`);
    const ran = profile.read().find((k) => /Conv/.test(k.op))?.provider;
    return ran === provider ? result() : result(`the convolution ran on ${ran ?? 'nothing that was recorded'}`);
  } catch (error) {
    if (!(error instanceof CnnxError)) throw error;
    return result(spokenReason(process.standardError) ?? error.message);
  } finally {
    profile.close();
    process.close();
  }
}

/** The reason is only on standard error, in the middle of a long line. */
function spokenReason(stderr: string): string | undefined {
  const found =
    /with error: (.+)/.exec(stderr)?.[1] ??
    /(Failed to get symbol .+)/.exec(stderr)?.[1] ??
    /(Couldn't load Vulkan: .+)/.exec(stderr)?.[1] ??
    /(CUDA failure .+?)(?: ;|$)/m.exec(stderr)?.[1];
  if (found === undefined) return undefined;
  // The loader passes over a library of another architecture, and then says that there is none.
  const absent = /^(.*\.so\S*): cannot open shared object file/.exec(found)?.[1];
  if (absent !== undefined && absent.includes('/') && existsSync(absent))
    return `${printable(absent, 200)} is there, but is no library for ${process.platform} ${process.arch}`;
  return printable(found.trim(), 300);
}

/** Runs the script of the onnxruntime-node that is used here, which downloads the CUDA provider. */
export const installCuda = (): string =>
  `node ${join(ortFolder() ?? 'node_modules/onnxruntime-node', 'script', 'install.js')} --onnxruntime-node-install=true`;

export const INSTALL_CUDA_12 = 'apt-get install cuda-libraries-12-9';
export const INSTALL_CUDNN = 'apt-get install libcudnn9-cuda-12';

function remedy(provider: ProviderName, reason: string): string | undefined {
  if (provider === 'webgpu') {
    return /libvulkan/.test(reason)
      ? 'install a Vulkan loader and driver: apt-get install libvulkan1, and the driver of the GPU'
      : 'a GPU with a Vulkan (Linux), Metal (macOS) or Direct3D 12 (Windows) driver is needed';
  }
  if (provider !== 'cuda') return undefined;
  if (/libonnxruntime_providers_\w+\.so\S*: cannot open|No such file/.test(reason) && /providers_/.test(reason))
    return installCuda();
  if (/libcuda\.so|driver/i.test(reason)) return 'install the NVIDIA driver';
  if (/libcudnn/.test(reason)) return INSTALL_CUDNN;
  if (/libcu|libnv/.test(reason)) return INSTALL_CUDA_12;
  return installCuda();
}

/** What runs a model, and what was passed over. */
export interface ChosenProvider {
  readonly provider: ProviderName;
  /** Those that `auto` passed over, with their reasons. */
  readonly passedOver: readonly ProviderProbe[];
}

/**
 * The provider to use: the first that works under `auto`, where those that failed within the last day are not tried again, otherwise the one that is named or an error.
 * Throws `runtime/missing` and `runtime/provider`.
 */
export async function chooseProvider(wanted: ProviderName | 'auto', deviceId?: number): Promise<ChosenProvider> {
  await ensureOrt();
  if (wanted === 'cpu') return { provider: 'cpu', passedOver: [] };
  const known = wanted === 'auto' ? rememberedFailures(deviceId) : [];
  const passedOver: ProviderProbe[] = [];
  for (const provider of wanted === 'auto' ? PROVIDERS : [wanted]) {
    // That the CPU works is not tried: the model itself will tell.
    if (wanted === 'auto' && provider === 'cpu') return settled(passedOver, known, deviceId);
    const probe = known.find((p) => p.provider === provider) ?? (await probeProvider(provider, deviceId));
    if (probe.works) return { provider, passedOver };
    passedOver.push(probe);
  }
  const last = passedOver.at(-1);
  throw new CnnxError('runtime/provider', `${wanted} does not work here: ${last?.reason ?? 'no reason given'}`, {
    hint: last?.hint ?? 'cnnx doctor says what is missing; --provider cpu runs everywhere',
  });
}

async function settled(
  passedOver: readonly ProviderProbe[],
  known: readonly ProviderProbe[],
  deviceId: number | undefined,
): Promise<ChosenProvider> {
  if (passedOver.some((p) => !known.includes(p))) await rememberFailures(passedOver, deviceId);
  return { provider: 'cpu', passedOver };
}
