import type { OperatorEntries } from './operator.ts'

/** Operators that tokens cannot be followed through, and how many multiply-adds they take is not counted. */
export const unfollowed: OperatorEntries = {
  AveragePool: { traits: ['reduction'] },
  Constant: { traits: ['shape'] },
  ConvTranspose: { traits: ['other'] },
  CumSum: { traits: ['function'] },
  DFT: { traits: ['other'] },
  EyeLike: { traits: ['shape'] },
  GlobalAveragePool: { traits: ['reduction'] },
  Input: { traits: ['shape'] },
  MaxPool: { traits: ['reduction'] },
  NonZero: { traits: ['shape'] },
  Pad: { traits: ['parts'] },
  Resize: { traits: ['other'] },
  ScatterElements: { traits: ['parts'] },
  ScatterND: { traits: ['parts'] },
  TopK: { traits: ['parts'] },
  Trilu: { traits: ['parts'] },
  'com.microsoft.GatherBlockQuantized': { traits: ['parts'] },
  'com.microsoft.nchwc.Conv': { traits: ['convolution'] },
  'com.microsoft.nchwc.ReorderInput': { traits: ['moved values'] },
  'com.microsoft.nchwc.ReorderOutput': { traits: ['moved values'] },
}
