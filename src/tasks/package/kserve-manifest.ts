/** Bytes of memory that a server takes beside the weights, and room for activations. */
const OVERHEAD = 2 ** 30;

export interface ManifestOptions {
  readonly name: string;
  readonly weightBytes: number;
  readonly gpu: boolean;
}

/** What has to be replaced before the manifest is applied. */
export const STORAGE_PLACEHOLDER = 'STORAGE_URI';

/**
 * An InferenceService that lets KServe's Triton runtime serve the model repository. Facts: serving.kserve.io/v1beta1; without protocolVersion v2 no
 * runtime for ONNX is found.
 */
export function kserveManifest({ name, weightBytes, gpu }: ManifestOptions): string {
  const memory = `${Math.ceil((OVERHEAD + 4 * weightBytes) / 2 ** 30)}Gi`;
  const resources = ['cpu: "2"', `memory: ${memory}`, ...(gpu ? ['nvidia.com/gpu: "1"'] : [])];
  const block = (indent: number): string => resources.map((r) => `${' '.repeat(indent)}${r}`).join('\n');
  return `# Replace ${STORAGE_PLACEHOLDER} by where the folder model-repository was uploaded: s3://..., gs://..., pvc://..., https://...
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: ${dnsName(name)}
spec:
  predictor:
    model:
      modelFormat:
        name: onnx
      protocolVersion: v2
      runtime: kserve-tritonserver
      storageUri: ${STORAGE_PLACEHOLDER}
      resources:
        requests:
${block(10)}
        limits:
${block(10)}
`;
}

/** A name that Kubernetes takes (RFC 1123): lower case letters, digits and dashes. */
export const dnsName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 53) || 'model';
