import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { answersIn, classLogits, formOf, largest, logitRowsOf } from '@tp/metrics'
import type { Classification } from './outcome.ts'
import { type EvaluateOptions, runExamples } from './run-examples.ts'

/**
 * The answers of a model to all examples, whichever are right.
 * @throws TpError TP_DATA for a class that the model does not have, TP_OUTPUT, TP_TOKENIZER, TP_ABORTED
 */
export async function classify(
  session: Session,
  inputs: ModelInputs,
  options: EvaluateOptions = {},
): Promise<Classification> {
  const total = inputs.targets.length
  let numbers = new Float32Array()
  let width = 0
  const run = await runExamples(session, inputs, options, ({ outputs, positions }) => {
    const batch = answersIn(outputs, positions.length)
    if (width === 0) {
      width = batch.classes
      checkTargets(inputs, width)
      numbers = new Float32Array(total * width)
    }
    for (const [row, position] of positions.entries())
      numbers.set(batch.data.subarray(row * width, (row + 1) * width), position * width)
  })
  const answers = { classes: width, data: numbers }
  const { answerForm = formOf(answers) } = inputs
  const { classes, data: logits } = classLogits(answers, answerForm)
  const predictions = logitRowsOf({ logits, classes }).map(largest)
  return { task: 'classification', figures: {}, predictions, classes, logits, answerForm, ...run }
}

function checkTargets({ targets, source }: ModelInputs, width: number): void {
  const classes = Math.max(2, width)
  const position = targets.findIndex((target) => target >= classes)
  if (position < 0) return
  const seen = `example ${position} has class ${targets[position]}, but the model gives ${classes} classes (0…${classes - 1})`
  const advice = width === 1 ? '; where its one number estimates such classes, give the task regression' : ''
  throw new TpError('TP_DATA', 'compare', `${source}: ${seen}${advice}`)
}
