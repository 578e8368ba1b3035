/** Figures of onnxruntime 1.30's own Python tool: U8S8 per channel, 256 calibration images; drop of top-1 in points, SQNR of the logits in decibels. */
export const ZOO_NETS = [
  {
    name: 'mobilenet_v2_035_fashion',
    card: 'mobilenet_v2_035_fashion',
    data: 'fashion',
    tool: { drop: 0.23, sqnr: 28.8 },
  },
  { name: 'repvgg_tiny_fashion', card: 'repvgg_tiny', data: 'fashion', tool: { drop: -0.03, sqnr: 31.3 } },
  {
    name: 'efficientnet_b0_035_fashion',
    card: 'efficientnet_b0_035_fashion',
    data: 'fashion',
    tool: { drop: 0.24, sqnr: 17.4 },
  },
  { name: 'acnet_mnist', card: undefined, data: 'mnist', tool: { drop: 0.01, sqnr: 39.9 } },
] as const;

/** Latency of that tool's default over float32: one thread, batch 1, AVX-512 VNNI. */
export const LATENCY_NETS = [
  { name: 'resnet18', tool: 0.85 },
  { name: 'resnet50', tool: 0.72 },
  { name: 'mobilenet_v2', tool: 0.9 },
  { name: 'mobilenet_v3_large', tool: 1.66 },
  { name: 'efficientnet_b0', tool: 3.21 },
  { name: 'densenet121', tool: 1.24 },
  { name: 'googlenet', tool: 0.68 },
  { name: 'regnet_y_400mf', tool: 1.13 },
  { name: 'shufflenet_v2_x1_0', tool: 0.9 },
  { name: 'repvgg_a0', tool: 0.32 },
] as const;
