import { usageError } from '../command/usage-error.ts'

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

export function wholeNumber(option: string, text: string, least = 1): number {
  const value = number(option, text)
  if (!Number.isInteger(value) || value < least)
    throw usageError(`--${option} is ${text}; it must be a whole number from ${least}`)
  return value
}
