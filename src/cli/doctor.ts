import type { Command } from 'commander';
import { printable } from '../base/text.js';
import { PROVIDERS } from '../node/onnxruntime/providers.js';
import { inspectMachine, type Machine, missingForCuda, type ProviderProbe, probeProvider } from '../index.js';
import { rememberFailures } from '../node/onnxruntime/remembered.js';
import { io } from './io.js';
import { whole } from './options.js';

const GIB = 2 ** 30;

export const define = (command: Command): Command =>
  command
    .option('--device <n>', 'which GPU to probe', whole, 0)
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', '\nExample:\n  cnnx doctor')
    .action(async (o: { readonly device: number; readonly json?: boolean }) => {
      io.progress('looking at the machine');
      const machine = await inspectMachine();
      const probes: ProviderProbe[] = [];
      for (const provider of PROVIDERS) {
        io.progress(`running a convolution on ${provider}`);
        const probe = await probeProvider(provider, provider === 'cuda' ? o.device : undefined);
        const missing = provider === 'cuda' && !probe.works ? missingForCuda(machine) : undefined;
        probes.push({ ...probe, ...missing });
      }
      await rememberFailures(probes, o.device);
      if (o.json) await io.report('doctor', { machine, providers: probes });
      else io.print(text(machine, probes));
    });

function text(m: Machine, probes: readonly ProviderProbe[]): string {
  const lines = [
    `node         ${m.node}, ${m.system}`,
    `cpu          ${m.cpu}, ${m.cores} cores, ${m.cpuFeatures.join(', ') || 'no known features'}`,
    `memory       ${(m.memory.total / GIB).toFixed(1)} GiB, ${(m.memory.free / GIB).toFixed(1)} free`,
    `onnxruntime  ${m.onnxruntime.version ?? 'not installed'}: ${m.onnxruntime.files.join(', ') || 'no binaries for this system'}`,
    `gpu          ${m.gpus.join('; ') || 'none that nvidia-smi knows'}`,
    `driver       ${m.nvidiaDriver ?? 'no NVIDIA driver'}`,
  ];
  for (const l of m.libraries) {
    const state = l.found ? `found${l.version === undefined ? '' : `, ${l.version}`}` : (l.problem ?? 'missing');
    lines.push(`library      ${l.name}: ${state}`);
  }
  if (m.system.startsWith('linux'))
    lines.push(
      `vulkan       ${m.vulkanDrivers.map((path) => printable(path)).join(', ') || 'no driver, so no WebGPU adapter'}`,
    );
  if (hasOnlyCuda13(m))
    lines.push('note         CUDA 13 is here, and the provider needs CUDA 12: both can be installed side by side');
  lines.push('');
  for (const p of probes) {
    lines.push(
      `${p.provider.padEnd(12)} ${p.works ? `works (a convolution ran and was right, ${p.milliseconds} ms)` : p.reason}`,
    );
    if (!p.works && p.hint !== undefined) lines.push(`             -> ${p.hint}`);
  }
  return lines.join('\n');
}

function hasOnlyCuda13(m: Machine): boolean {
  const has = (name: string): boolean => m.libraries.some((l) => l.name === name && l.found);
  return has('libcudart.so.13') && !has('libcudart.so.12');
}
