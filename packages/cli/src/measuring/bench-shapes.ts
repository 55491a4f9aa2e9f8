import { type InputRoles, type InputSizes, isText } from '@tp/compare'
import { TpError } from '@tp/core'
import { usageError } from '../arguments/usage-error.ts'

const textShapes = [
  { batch: 1, tokens: 32 },
  { batch: 1, tokens: 128 },
  { batch: 1, tokens: 512 },
  { batch: 8, tokens: 128 },
] as const
const otherShapes = [1, 8] as const

/**
 * Shapes to time a model at: `8x128` is a batch of 8 with 128 tokens each, `8` a batch with the model's own length.
 * @param maxTokens longest text that the model takes, if known: default lengths beyond it are omitted
 * @throws TpError TP_USAGE, TP_INPUT where the model has another size
 */
export function benchShapes(
  requested: readonly InputSizes[] | undefined,
  roles: InputRoles,
  maxTokens: number = Number.POSITIVE_INFINITY,
): InputSizes[] {
  if (requested !== undefined) return requested.map((shape) => fitting(shape, roles, maxTokens))
  if (typeof roles.batch === 'number')
    return [{ batch: roles.batch, tokens: isText(roles) ? Math.min(128, maxTokens) : undefined }]
  if (!isText(roles)) return otherShapes.map((batch) => ({ batch }))
  return textShapes.filter(({ tokens }) => tokens <= maxTokens)
}

function fitting({ batch, tokens }: InputSizes, roles: InputRoles, maxTokens: number): InputSizes {
  const text = tokens === undefined ? `${batch}` : `${batch}x${tokens}`
  if (isText(roles)) {
    if (tokens === undefined)
      throw usageError(`--shapes has "${text}"; this model takes texts of any length: did you mean ${asShape(batch)}?`)
    if (tokens > maxTokens) {
      throw new TpError(
        'TP_INPUT',
        'tp',
        `--shapes has ${text}, but the model takes texts of at most ${maxTokens} tokens`,
      )
    }
    return { batch, tokens }
  }
  if (tokens !== undefined && tokens !== roles.tokens) {
    const advice = `give the batch alone, as ${batch}`
    throw new TpError(
      'TP_INPUT',
      'tp',
      `--shapes has ${text}, but the model's own number of tokens is ${roles.tokens}; ${advice}`,
    )
  }
  return { batch }
}

/** A number alone is rather the length of a text than its batch. */
function asShape(number: number): string {
  return number >= 16 ? `1x${number}` : `${number}x128`
}

/** `8×128` */
export function shapeText({ batch, tokens }: InputSizes): string {
  return tokens === undefined ? `${batch}` : `${batch}×${tokens}`
}
