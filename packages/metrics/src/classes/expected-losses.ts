import { type AllLogits, largest, logitRowsOf } from './predictions.ts'

/**
 * Points of accuracy that other answers cost by a model's own probabilities, [examples]: 100·(p(its answer) − p(the other one)),
 * 0 where they are the same. On average that is what labels would say if the model were as sure as it should be, and it tells
 * losses apart where few answers turn, whose labels are all but a coin's throw. As far as the model is surer, it is too strict, unless a
 * temperature corrects that.
 * @param model its logits, [examples, classes]; log p do as well
 * @param answers classes, by example
 * @param temperature what the model's logits are divided by first, such as `temperatureOf` says; default 1
 */
export function expectedLosses(model: AllLogits, answers: readonly number[], temperature = 1): number[] {
  return logitRowsOf(model).map((row, i) => {
    const answer = answers[i] as number
    const own = largest(row)
    const most = row[own] as number
    const total = row.reduce((sum, logit) => sum + Math.exp((logit - most) / temperature), 0)
    return (100 * (1 - Math.exp(((row[answer] as number) - most) / temperature))) / total
  })
}
