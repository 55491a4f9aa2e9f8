import { withoutBrackets } from '../without-brackets.ts'
import { writeNumbers } from './numbers.ts'
import { americanSpellings } from './spellings.ts'

/** A pattern between ends of words, which `\b` knows of letters without accents alone. */
function word(pattern: string): RegExp {
  return new RegExp(`${pattern.startsWith("'") ? '' : '(?<![\\p{L}\\p{N}_])'}${pattern}(?![\\p{L}\\p{N}_])`, 'gu')
}

const FILLERS = word('(?:hmm|mm|mhm|mmm|uh|um)')

/** In this order. */
const WRITTEN_OUT = Object.entries({
  ...{ "won't": 'will not', "can't": 'can not', "let's": 'let us', "ain't": 'aint', "y'all": 'you all' },
  ...{ wanna: 'want to', gotta: 'got to', gonna: 'going to', "i'ma": 'i am going to', imma: 'i am going to' },
  ...{ woulda: 'would have', coulda: 'could have', shoulda: 'should have', "ma'am": 'madam' },
  ...{ mr: 'mister ', mrs: 'missus ', st: 'saint ', dr: 'doctor ', prof: 'professor ', capt: 'captain ' },
  ...{ gov: 'governor ', ald: 'alderman ', gen: 'general ', sen: 'senator ', rep: 'representative ' },
  ...{ pres: 'president ', rev: 'reverend ', hon: 'honorable ', asst: 'assistant ', assoc: 'associate ' },
  ...{ lt: 'lieutenant ', col: 'colonel ', jr: 'junior ', sr: 'senior ', esq: 'esquire ' },
  ...{ "'d been": ' had been', "'s been": ' has been', "'d gone": ' had gone', "'s gone": ' has gone' },
  ...{ "'d done": ' had done', "'s got": ' has got' },
}).map(([from, to]) => [word(from), to] as const)

/** The ends of words: “n't” stands after a letter. */
const ENDS = Object.entries({
  ...{ "n't": ' not', "'re": ' are', "'s": ' is', "'d": ' would', "'ll": ' will', "'t": ' not' },
  ...{ "'ve": ' have', "'m": ' am' },
}).map(([from, to]) => [new RegExp(`${from}(?![\\p{L}\\p{N}_])`, 'gu'), to] as const)

/** Letters that NFKD does not take apart. */
const LETTERS: Readonly<Record<string, string>> = {
  ...{ œ: 'oe', Œ: 'OE', ø: 'o', Ø: 'O', æ: 'ae', Æ: 'AE', ß: 'ss', ẞ: 'SS', đ: 'd', Đ: 'D' },
  ...{ ð: 'd', Ð: 'D', þ: 'th', Þ: 'th', ł: 'l', Ł: 'L' },
}

/**
 * The words of an English text as Whisper's evaluation counts them: without hesitations and what stands in brackets, contractions and titles written out, numbers in
 * digits, American spellings, and no accents. A port of EnglishTextNormalizer (whisper/normalizers/english.py of openai/whisper, MIT, © 2022 OpenAI).
 */
export function englishWords(text: string): string[] {
  let own = withoutBrackets(text.toLowerCase()).replaceAll(FILLERS, '').replaceAll(/\s+'/g, "'")
  for (const [pattern, replacement] of [...WRITTEN_OUT, ...ENDS]) own = own.replaceAll(pattern, replacement)
  own = own
    .replaceAll(/(\p{Nd}),(\p{Nd})/gu, '$1$2')
    .replaceAll(/\.([^0-9]|$)/g, ' $1')
    .normalize('NFKD')
    .replaceAll(/[œŒøØæÆßẞđĐðÐþÞłŁ]/g, (letter) => LETTERS[letter] as string)
    .replaceAll(/\p{Mn}/gu, '')
    .replaceAll(/(?![.%$¢€£])[\p{M}\p{S}\p{P}]/gu, ' ')
  return writeNumbers(own)
    .split(/\s+/)
    .map((one) => americanSpellings.get(one) ?? one)
    .join(' ')
    .replaceAll(/[.$¢€£]([^0-9])/g, ' $1')
    .replaceAll(/([^0-9])%/g, '$1 ')
    .split(/\s+/)
    .filter(Boolean)
}
