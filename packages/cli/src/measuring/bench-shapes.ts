import { TpError } from '@tp/core'
import { usageError } from '../command/usage-error.ts'
import { type InputRoles, isText, type WantedSizes } from '../model/input-shapes.ts'

const textShapes = '1x32,1x128,1x512,8x128'
const otherShapes = '1,8'

/**
 * Shapes to time a model at: `8x128` is a batch of 8 with 128 tokens each, `8` a batch with the model's own length.
 * @throws TpError TP_USAGE, TP_INPUT where the model has another size
 */
export function benchShapes(text: string | undefined, roles: InputRoles): WantedSizes[] {
  if (text === undefined && typeof roles.batch === 'number') return [{ batch: roles.batch, tokens: isText(roles) ? 128 : undefined }]
  return (text ?? (isText(roles) ? textShapes : otherShapes)).split(',').map((shape) => readShape(shape, roles))
}

function readShape(text: string, roles: InputRoles): WantedSizes {
  const [, batch, tokens] = /^([1-9]\d*)(?:[x×]([1-9]\d*))?$/.exec(text.trim()) ?? []
  if (batch === undefined) throw usageError(`--shapes has "${text}"; a shape is batch x tokens, as 8x128`)
  if (isText(roles)) {
    if (tokens === undefined) throw usageError(`--shapes has "${text}"; this model takes texts of any length: say it, as ${text}x128`)
    return { batch: Number(batch), tokens: Number(tokens) }
  }
  if (tokens !== undefined && Number(tokens) !== roles.tokens) {
    const advice = `give the batch alone, as ${batch}`
    throw new TpError('TP_INPUT', 'tp', `--shapes has ${text}, but the model's own number of tokens is ${roles.tokens}; ${advice}`)
  }
  return { batch: Number(batch) }
}

/** `8×128` */
export function shapeText({ batch, tokens }: WantedSizes): string {
  return tokens === undefined ? `${batch}` : `${batch}×${tokens}`
}
