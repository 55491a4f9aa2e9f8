import { didYouMean } from './did-you-mean.ts'
import { usageError } from './usage-error.ts'

/** Batches, and tokens where they are given. */
interface Shape {
  readonly batch: number
  readonly tokens?: number
}

/** Anything but a number is a usage error; its range is checked where it is used. */
export function number(option: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value))
    throw usageError(`--${option} is "${text}"; it must be a number, or numbers with commas between`)
  return value
}

/** Reads `0.7` or `0.9,0.7,0.5`. */
export function numberList(option: string, text: string): readonly number[] {
  return text.split(',').map((part) => number(option, part))
}

/** @throws TpError TP_USAGE */
export function wholeNumber(option: string, text: string, least = 1): number {
  return within(option, text, (value) => Number.isInteger(value) && value >= least, `a whole number from ${least}`)
}

function within(option: string, text: string, fits: (value: number) => boolean, form: string): number {
  const value = number(option, text)
  if (!fits(value)) throw usageError(`--${option} is ${text}; it must be ${form}`)
  return value
}

function shapeList(option: string, text: string): readonly Shape[] {
  return text.split(',').map((shape) => {
    const [, batch, tokens] = /^([1-9]\d*)(?:[x×]([1-9]\d*))?$/.exec(shape.trim()) ?? []
    if (batch === undefined) throw usageError(`--${option} has "${shape}"; a shape is batch x tokens, as 8x128`)
    return { batch: Number(batch), ...(tokens !== undefined && { tokens: Number(tokens) }) }
  })
}

/** One of some words. @throws TpError TP_USAGE */
export function word(option: string, text: string, words: readonly string[]): string {
  if (words.includes(text)) return text
  const all = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  throw usageError(`--${option} is "${text}"; it must be ${all}${didYouMean(text, words)}`)
}

/** The reader of each form of a value. Each throws TpError TP_USAGE. */
const readers = {
  number: (option: string, text: string): number => number(option, text),
  'whole number': (option: string, text: string): number => wholeNumber(option, text),
  'from zero': (option: string, text: string): number => wholeNumber(option, text, 0),
  positive: (option: string, text: string): number => within(option, text, (value) => value > 0, 'above 0'),
  'from 0': (option: string, text: string): number => within(option, text, (value) => value >= 0, '0 or more'),
  share: (option: string, text: string): number =>
    within(option, text, (value) => value > 0 && value <= 1, 'above 0, and at most 1'),
  /** Of TCP; 0 takes a free one. */
  port: (option: string, text: string): number => {
    const value = wholeNumber(option, text, 0)
    return within(option, `${value}`, (port) => port <= 65_535, 'at most 65535')
  },
  shapes: (option: string, text: string): readonly Shape[] => shapeList(option, text),
  /** One of the words of the option alone. */
  word: (option: string, text: string, words: readonly string[]): never => word(option, text, words) as never,
} as const

export type ValueKind = keyof typeof readers
export type ReadValue<Kind extends ValueKind> = ReturnType<(typeof readers)[Kind]>

/** The value of an option in its form, or one of the words that it may be instead. @throws TpError TP_USAGE */
export function readValue(kind: ValueKind, option: string, text: string, words: readonly string[] = []): unknown {
  return words.includes(text) ? text : readers[kind](option, text, words)
}
