import type { OperatorEntries } from './operator.ts'

/** Operators that tokens cannot be followed through, and how many multiply-adds they take is not counted. */
export const unfollowed: OperatorEntries = {
  AveragePool: { traits: ['reduction', 'grid'] },
  Constant: { traits: ['shape'] },
  CumSum: { traits: ['function', 'positional'] },
  DFT: { traits: ['fourier'] },
  EyeLike: { traits: ['shape', 'positional'] },
  GlobalAveragePool: { traits: ['reduction', 'grid'], reduces: 'mean' },
  GlobalMaxPool: { traits: ['reduction', 'grid'], reduces: 'max' },
  Input: { traits: ['shape'] },
  MaxPool: { traits: ['reduction', 'grid'], zeroOrOneFrom: 'first' },
  NonZero: { traits: ['shape', 'positional'] },
  Pad: { traits: ['joined values'], zeroOrOneFrom: [0, 2] },
  Resize: { traits: ['grid'] },
  ScatterND: { traits: ['joined values', 'positional'] },
  Trilu: { traits: ['positional'], zeroOrOneFrom: 'first' },
  'com.microsoft.GatherBlockQuantized': { traits: ['other'] },
  'com.microsoft.nchwc.Conv': { traits: ['convolution', 'grid'] },
  'com.microsoft.nchwc.ReorderInput': { traits: ['moved values'] },
  'com.microsoft.nchwc.ReorderOutput': { traits: ['moved values'] },
}
