/**
 * All transforms in the order that fits, which `transform` holds them to:
 *
 * - sizes of images first: all others then know them;
 * - states and outputs next: what prunes sees the head that is there;
 * - layers before tokens: pruning counts the layers that remain, and its record names values of the graph;
 * - image tokens, which leave the encoder, after those between its layers;
 * - tokens before 8 bits: what a method computes is not rounded then, and dead tokens can be eliminated where ranges are taken over all tokens, too;
 * - smoothing before 8 bits, which it is for; weights before caches, whose 8-bit operators `quantize` would refuse;
 * - packing last: nothing else reads packed tokens.
 */
export const order = [
  'fixImageSize',
  'readAnyStates',
  'weighStates',
  'readClassToken',
  'readLastToken',
  'leaveOut',
  'prune',
  'pruneImageTokens',
  'lastLogits',
  'prunePrompt',
  'smooth',
  'quantize',
  'quantizeCaches',
  'pack',
] as const
