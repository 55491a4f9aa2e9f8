/**
 * Numbers in words as digits, as Whisper's normalizer has them: “twenty-one” is 21, “one oh one” 101, “two thousand dollars” $2000, “1960 s” 1960s, and “one” alone
 * remains a word. A port of EnglishNumberNormalizer (whisper/normalizers/english.py of openai/whisper, MIT, © 2022 OpenAI).
 * @param text lower case, without marks but those of numbers (`.%$¢€£`)
 */
export function writeNumbers(text: string): string {
  return lastRules([...joinNumbers(firstRules(text).split(/\s+/).filter(Boolean))].join(' '))
}

const numbered = (names: string, first: number): [string, number][] =>
  names.split(' ').map((name, i) => [name, first + i])

const ZEROS = new Set(['o', 'oh', 'zero'])
const ONES = new Map(
  numbered(
    'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen',
    1,
  ),
)
const TENS = new Map(
  numbered('twenty thirty forty fifty sixty seventy eighty ninety', 2).map(([name, i]) => [name, 10 * i]),
)
const MULTIPLIERS = new Map<string, bigint>([
  ['hundred', 100n],
  ...numbered(
    'thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion',
    1,
  ).map(([name, i]): [string, bigint] => [name, 1000n ** BigInt(i)]),
])

type Ending = 's' | 'th' | 'st' | 'nd' | 'rd'
type Suffixed<V> = ReadonlyMap<string, readonly [V, Ending]>
type SuffixedEntry<V> = readonly [string, readonly [V, Ending]]

const IRREGULAR: readonly (readonly [string, readonly [number, Ending]])[] = [
  ['zeroth', [0, 'th']],
  ['first', [1, 'st']],
  ['second', [2, 'nd']],
  ['third', [3, 'rd']],
  ['fifth', [5, 'th']],
  ['twelfth', [12, 'th']],
]
const ONES_SUFFIXED: Suffixed<number> = new Map<string, readonly [number, Ending]>([
  ...[...ONES].map(([name, value]): SuffixedEntry<number> => [name === 'six' ? 'sixes' : `${name}s`, [value, 's']]),
  ...IRREGULAR,
  ...[...ONES]
    .filter(([, value]) => value > 3 && value !== 5 && value !== 12)
    .map(([name, value]): SuffixedEntry<number> => [`${name}${name.endsWith('t') ? 'h' : 'th'}`, [value, 'th']]),
])
const TENS_SUFFIXED: Suffixed<number> = new Map(
  [...TENS].flatMap(([name, value]): SuffixedEntry<number>[] => [
    [name.replace('y', 'ies'), [value, 's']],
    [name.replace('y', 'ieth'), [value, 'th']],
  ]),
)
const MULTIPLIERS_SUFFIXED: Suffixed<bigint> = new Map(
  [...MULTIPLIERS].flatMap(([name, value]): SuffixedEntry<bigint>[] => [
    [`${name}s`, [value, 's']],
    [`${name}th`, [value, 'th']],
  ]),
)
const SIGNS = new Map([
  ['minus', '-'],
  ['negative', '-'],
  ['plus', '+'],
  ['positive', '+'],
])
const CURRENCIES = new Map([
  ...['pound', 'pounds'].map((name) => [name, '£'] as const),
  ...['euro', 'euros'].map((name) => [name, '€'] as const),
  ...['dollar', 'dollars'].map((name) => [name, '$'] as const),
  ...['cent', 'cents'].map((name) => [name, '¢'] as const),
])
const PREFIXES = new Set([...SIGNS.values(), ...CURRENCIES.values()])
const isDecimal = (word: string): boolean => ONES.has(word) || TENS.has(word) || ZEROS.has(word)
const WORDS = new Set([
  ...ZEROS,
  ...[ONES, ONES_SUFFIXED, TENS, TENS_SUFFIXED, MULTIPLIERS, MULTIPLIERS_SUFFIXED].flatMap((words) => [
    ...words.keys(),
  ]),
  ...[...SIGNS.keys(), ...CURRENCIES.keys(), 'per', 'percent', 'and', 'double', 'triple', 'point'],
])

/** “Two and a half” is “two point five”; digits are parted from letters, but for endings. */
function firstRules(text: string): string {
  const segments = text.split(/\band\s+a\s+half\b/)
  const spelled = segments.flatMap((segment, i) => {
    if (segment.trim() === '') return []
    if (i === segments.length - 1) return [segment]
    const last = segment.trimEnd().split(/\s+/).at(-1) as string
    return [segment, isDecimal(last) || MULTIPLIERS.has(last) ? 'point five' : 'and a half']
  })
  return spelled
    .join(' ')
    .replaceAll(/([a-z])([0-9])/g, '$1 $2')
    .replaceAll(/([0-9])([a-z])/g, '$1 $2')
    .replaceAll(/([0-9])\s+(st|nd|rd|th|s)\b/g, '$1$2')
}

/** “$2 and ¢7” is $2.07, and 1 alone “one”. */
function lastRules(text: string): string {
  return text
    .replaceAll(
      /([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\b/g,
      (_, currency, whole, cents) => `${currency}${whole}.${cents.padStart(2, '0')}`,
    )
    .replaceAll(/[€£$]0.([0-9]{1,2})\b/g, (_, cents) => `¢${Number(cents)}`)
    .replaceAll(/\b1(s?)\b/g, 'one$1')
}

const DIGITS = /^\d+(\.\d+)?$/

/** A number while it is put together: an integer, or digits that more digits follow. */
type Value = bigint | string

function* joinNumbers(words: readonly string[]): Generator<string> {
  let prefix: string | undefined
  let value: Value | undefined
  const output = (result: Value): string => {
    const text = `${prefix ?? ''}${result}`
    prefix = undefined
    value = undefined
    return text
  }
  for (let i = 0; i < words.length; i++) {
    const current = words[i] as string
    const [before = '', next] = [words[i - 1], words[i + 1]]
    const isNext = next !== undefined && (DIGITS.test(next) || WORDS.has(next))
    const hasPrefix = PREFIXES.has(current[0] as string)
    const bare = hasPrefix ? current.slice(1) : current
    const suffixed = ONES_SUFFIXED.get(current) ?? TENS_SUFFIXED.get(current)
    if (DIGITS.test(bare)) {
      if (typeof value === 'string' && value.endsWith('.')) {
        value += current
        continue
      }
      if (value !== undefined) yield output(value)
      if (hasPrefix) prefix = current[0]
      value = /^\d+(\.0+)?$/.test(bare) ? BigInt(bare.replace(/\..*/, '')) : bare
    } else if (!WORDS.has(current)) {
      if (value !== undefined) yield output(value)
      yield output(current)
    } else if (ZEROS.has(current)) {
      value = `${value || ''}0`
    } else if (ONES.has(current)) {
      value = withOnes(value, ONES.get(current) as number, before)
    } else if (TENS.has(current)) {
      value = withTens(value, TENS.get(current) as number)
    } else if (suffixed !== undefined) {
      const [number, ending] = suffixed
      yield output(`${ONES_SUFFIXED.has(current) ? withOnes(value, number, before) : withTens(value, number)}${ending}`)
    } else if (MULTIPLIERS.has(current)) {
      const multiplier = MULTIPLIERS.get(current) as bigint
      const product = times(value, multiplier)
      if (product === undefined) yield output(value as Value)
      value = product ?? multiplier
    } else if (MULTIPLIERS_SUFFIXED.has(current)) {
      const [multiplier, ending] = MULTIPLIERS_SUFFIXED.get(current) as readonly [bigint, Ending]
      const product = times(value, multiplier)
      if (product === undefined) yield output(value as Value)
      yield output(`${product ?? multiplier}${ending}`)
    } else if (SIGNS.has(current)) {
      if (value !== undefined) yield output(value)
      if (isNext) prefix = SIGNS.get(current)
      else yield output(current)
    } else if (CURRENCIES.has(current)) {
      if (value !== undefined) prefix = CURRENCIES.get(current)
      yield output(value ?? current)
    } else if (current === 'percent') {
      yield output(value === undefined ? current : `${value}%`)
    } else if (current === 'per') {
      if (value !== undefined && next === 'cent') {
        yield output(`${value}%`)
        i += 1
      } else {
        if (value !== undefined) yield output(value)
        yield output(current)
      }
    } else if (isNext && current === 'point') {
      if (isDecimal(next) || DIGITS.test(next)) value = `${value || ''}.`
    } else if (isNext && current === 'and' && MULTIPLIERS.has(before)) {
      // “Two hundred and one”
    } else if (isNext && (current === 'double' || current === 'triple') && (ONES.has(next) || ZEROS.has(next))) {
      value = `${value || ''}${`${ONES.get(next) ?? 0}`.repeat(current === 'double' ? 2 : 3)}`
      i += 1
    } else {
      if (value !== undefined) yield output(value)
      yield output(current)
    }
  }
  if (value !== undefined) yield output(value)
}

/** Adds one to nineteen, or appends its digits where nothing can be added. */
function withOnes(value: Value | undefined, ones: number, before: string): Value {
  if (value === undefined) return BigInt(ones)
  if (typeof value === 'string' || ONES.has(before))
    return TENS.has(before) && ones < 10 ? `${`${value}`.slice(0, -1)}${ones}` : `${value}${ones}`
  return value % (ones < 10 ? 10n : 100n) === 0n ? value + BigInt(ones) : `${value}${ones}`
}

function withTens(value: Value | undefined, tens: number): Value {
  if (value === undefined) return BigInt(tens)
  return typeof value === 'bigint' && value % 100n === 0n ? value + BigInt(tens) : `${value}${tens}`
}

/** Multiplies the last three digits by a thousand, million …. @returns undefined where that is no integer */
function times(value: Value | undefined, multiplier: bigint): bigint | undefined {
  if (value === undefined) return multiplier
  if (typeof value === 'bigint') return value - (value % 1000n) + (value % 1000n) * multiplier
  const [, whole, decimals = ''] = /^(\d*)\.?(\d*)$/.exec(value) ?? []
  if (whole === undefined || whole + decimals === '') return undefined
  const scale = 10n ** BigInt(decimals.length)
  const product = BigInt(whole + decimals) * multiplier
  return product % scale === 0n ? product / scale : undefined
}
