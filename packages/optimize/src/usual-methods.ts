/** Methods to choose from where none is named, by the kind of model: those without training that suit its inputs and outputs. */
export const usualMethods = {
  /** Texts, of which vectors are made. */
  vectors: ['tome', 'received-attention', 'value-aware', 'cls-attention'],
  text: ['received-attention', 'value-aware', 'cls-attention', 'balanced'],
  speech: ['thin-padding', 'thin-padding+stride', 'stride', 'a-tome'],
  /** Images and sounds. */
  other: ['received-attention', 'cls-attention', 'quasi-random', 'tome'],
} as const
