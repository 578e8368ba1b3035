/** Whole graphs: operators that hold graphs, or sequences, which leave a model only as tensors. */
export const graphs: Readonly<Record<string, string>> = {
  'If with branches that agree': `<opset: ["": 11]>
(x: float32[2,3], c: bool[1]) -> (y, z)
  y, z = If<
    then_branch={ g () -> (a, b)
      a = Relu(x)
      b = Shape(x) },
    else_branch={ g () -> (d, e)
      d = Neg(x)
      e = Shape(x) }>(c)`,
  'If with a fixed condition': `<opset: ["": 13]>
(x: float32[1,3]) -> (y)
  s = Shape(x)
  n = Gather(s, i: int64[] = [0])
  c = Equal(n, one: int64[] = [1])
  y = If<
    then_branch={ g () -> (a)
      a = Squeeze(x, k: int64[1] = [0]) },
    else_branch={ g () -> (b)
      b = Identity(x) }>(c)`,
  'Loop that carries one shape': `<opset: ["": 13]>
(x: float32[2,3]) -> (y)
  y, z = Loop<
    body={ g (i: int64[], c: bool[], v: float32[2,3]) -> (go, w, s)
      go = Identity(c)
      w = Relu(v)
      s = ReduceSum<keepdims=0>(w) }>(n: int64[] = [3], t: bool[] = [1], x)`,
  'Scan over rows, and over columns': `<opset: ["": 11]>
(x: float32[4,3,2]) -> (y, z)
  y, z = Scan<num_scan_inputs=1, scan_input_axes=[1], scan_output_axes=[-1], body={ g (s: float32[4,2], r: float32[4,2]) -> (t, o)
      t = Add(s, r)
      o = Identity(t) }>(start: float32[4,2], x)`,
  'Scan of opset 8': `<opset: ["": 8]>
(x: float32[2,5,3], s: float32[2,3]) -> (y, z)
  y, z = Scan<num_scan_inputs=1, body={ g (a: float32[3], b: float32[3]) -> (t, o)
      t = Add(a, b)
      o = Mul(a, b) }>(_, s, x)`,
  'sequences of equal tensors': `<opset: ["": 11]>
(a: float32[2,3], b: float32[2,3]) -> (y, n)
  s = SequenceConstruct(a, b)
  t = SequenceInsert(s, a)
  u = SequenceErase(t, k: int64[] = [0])
  y = SequenceAt(u, i: int64[] = [1])
  n = SequenceLength(u)`,
  'a sequence stacked': `<opset: ["": 11]>
(a: float32[4,3]) -> (y)
  s = SplitToSequence<axis=0>(a, k: int64[] = [2])
  z = SequenceAt(s, i: int64[] = [1])
  y = Relu(z)`,
  'a sequence split off': `<opset: ["": 11]>
(a: float32[4,3]) -> (y)
  s = SplitToSequence<axis=1, keepdims=0>(a)
  y = SequenceAt(s, i: int64[] = [1])`,
  optional: `<opset: ["": 18]>
(a: float32[2,3]) -> (y, b)
  o = Optional(a)
  y = OptionalGetElement(o)
  b = OptionalHasElement(o)`,
  'shape arithmetic of a flatten': `<opset: ["": 13]>
(x: float32[2,3,4,5]) -> (y)
  s = Shape(x)
  n = Gather(s, z: int64[] = [0])
  u = Unsqueeze(n, a: int64[1] = [0])
  k = Concat<axis=0>(u, m: int64[1] = [-1])
  y = Reshape(x, k)`,
  'shape arithmetic of an upsampling': `<opset: ["": 13]>
(x: float32[2,3,4,5]) -> (y)
  s = Shape(x)
  hw = Slice(s, b: int64[1] = [2], e: int64[1] = [4])
  twice = Mul(hw, two: int64[] = [2])
  nc = Slice(s, b0: int64[1] = [0], e2: int64[1] = [2])
  size = Concat<axis=0>(nc, twice)
  y = Resize(x, _, _, size)`,
  'shape arithmetic with Where, Cast, Min, Range and ConstantOfShape': `<opset: ["": 13]>
(x: float32[2,3,4]) -> (y, r)
  s = Shape(x)
  c = Cast<to=6>(s)
  d = Cast<to=7>(c)
  ones = ConstantOfShape<value: int64[1] = [1]>(k: int64[1] = [3])
  wanted: int64[3] = [5,-1,4]
  minus = Neg(ones)
  same = Equal(wanted, minus)
  to = Where(same, ones, wanted)
  head = Gather(d, i: int64[1] = [0])
  least = Min(head, one: int64[1] = [1])
  first = Squeeze(least, a: int64[1] = [0])
  v = Slice(x, b: int64[1] = [0], least)
  y = Expand(v, e: int64[3] = [5,1,1])
  r0 = Range(first, l: int64[] = [7], st: int64[] = [2])
  cs = ConstantOfShape(to)
  r = Gather(cs, r1: int64[2] = [0,1])`,
};

/** As much of the shape as is known must hold. */
export const loose: Readonly<Record<string, string>> = {
  'If with branches of other shapes': `<opset: ["": 11]>
(x: float32[2,3], c: bool[1]) -> (y)
  y = If<
    then_branch={ g () -> (a)
      a = Concat<axis=0>(x, x) },
    else_branch={ g () -> (b)
      b = Relu(x) }>(c)`,
  'Loop that grows what it carries': `<opset: ["": 13]>
(x: float32[2,3]) -> (y, s)
  y, s = Loop<
    body={ g (i: int64[], c: bool[], v: float32) -> (go, w, o)
      go = Identity(c)
      w = Concat<axis=0>(v, x)
      o = Identity(x) }>(n: int64[] = [3], t: bool[] = [1], x)`,
  'sequences of other shapes': `<opset: ["": 11]>
(a: float32[2,3], b: float32[4,3]) -> (y, z)
  s = SequenceConstruct(a, b)
  y = SequenceAt(s, i: int64[] = [1])
  z = ConcatFromSequence<axis=0>(s)`,
  'a sequence that starts empty': `<opset: ["": 11]>
(a: float32[2,3]) -> (y)
  s = SequenceEmpty<dtype=1>()
  t = SequenceInsert(s, a)
  y = ConcatFromSequence<axis=0, new_axis=1>(t)`,
};
