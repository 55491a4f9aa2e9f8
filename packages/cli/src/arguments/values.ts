import { usageError } from './usage-error.ts'

/** Reads `0.7` or `0.9,0.7,0.5`; one number applies to all layers. */
export function numberOrList(option: string, text: string): number | readonly number[] {
  const numbers = text.split(',').map((part) => number(option, part))
  return numbers.length === 1 ? (numbers[0] as number) : numbers
}

export function numberList(option: string, text: string): readonly number[] {
  return text.split(',').map((part) => number(option, part))
}

/** Anything but a number is a usage error; its range is checked where it is used. */
export function number(option: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value))
    throw usageError(`--${option} is "${text}"; it must be a number, or numbers with commas between`)
  return value
}

/** @throws TpError TP_USAGE */
export function positive(option: string, text: string): number {
  const value = number(option, text)
  if (value <= 0) throw usageError(`--${option} is ${text}; it must be above 0`)
  return value
}

/** @throws TpError TP_USAGE */
export function fromZero(option: string, text: string): number {
  const value = number(option, text)
  if (value < 0) throw usageError(`--${option} is ${text}; it must be 0 or more`)
  return value
}

/** Of TCP; 0 takes a free one. @throws TpError TP_USAGE */
export function portNumber(option: string, text: string): number {
  const value = wholeNumber(option, text, 0)
  if (value > 65_535) throw usageError(`--${option} is ${text}; it must be at most 65535`)
  return value
}

/** Batches, and tokens where they are given. @throws TpError TP_USAGE */
export function shapeList(option: string, text: string): { readonly batch: number; readonly tokens?: number }[] {
  return text.split(',').map((shape) => {
    const [, batch, tokens] = /^([1-9]\d*)(?:[x×]([1-9]\d*))?$/.exec(shape.trim()) ?? []
    if (batch === undefined) throw usageError(`--${option} has "${shape}"; a shape is batch x tokens, as 8x128`)
    return { batch: Number(batch), ...(tokens !== undefined && { tokens: Number(tokens) }) }
  })
}

/** A share that is more than nothing. @throws TpError TP_USAGE */
export function share(option: string, text: string): number {
  const value = positive(option, text)
  if (value > 1) throw usageError(`--${option} is ${text}; it must be above 0, and at most 1`)
  return value
}

/** The value of an option that may be missing. @throws TpError TP_USAGE */
export function wholeOption<Name extends string>(
  args: { readonly [Key in Name]?: string | undefined },
  name: Name,
  least = 1,
): number | undefined {
  const text = args[name]
  return text === undefined ? undefined : wholeNumber(name, text, least)
}

export function wholeNumber(option: string, text: string, least = 1): number {
  const value = number(option, text)
  if (!Number.isInteger(value) || value < least)
    throw usageError(`--${option} is ${text}; it must be a whole number from ${least}`)
  return value
}
