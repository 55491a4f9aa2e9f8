/**
 * The numbers in an output of answers: logits; probabilities of classes that exclude each other, which add up to 1 (a softmax); or
 * a probability each (sigmoids).
 */
export type AnswerForm = 'logits' | 'softmax' | 'sigmoid'

export const answerForms: readonly AnswerForm[] = ['logits', 'softmax', 'sigmoid']

/** The smallest normal number stands for 0, and the largest below 1 for 1, so that differences of logits are finite. */
const [LEAST, MOST] = [2 ** -126, 1 - 2 ** -24]

/** The logits of numbers: a softmax of them, or a sigmoid of each, gives probabilities back. Logits are returned as they are. */
export function asLogits(numbers: Float32Array, form: AnswerForm): Float32Array {
  if (form === 'logits') return numbers
  if (form === 'softmax') return numbers.map((value) => Math.log(Math.max(value, LEAST)))
  return numbers.map((value) => {
    const probability = Math.min(MOST, Math.max(value, LEAST))
    return Math.log(probability) - Math.log1p(-probability)
  })
}
