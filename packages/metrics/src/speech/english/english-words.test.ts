import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { englishWords } from './english-words.ts'
import { americanSpellings } from './spellings.ts'

// Made by EnglishTextNormalizer of whisper-normalizer 0.1.
test.each([
  [
    "Mr. Quilter's the apostle; he'd been won't-ing (laughs) <unk>!",
    'mister quilter is the apostle he had been will not ing',
  ],
  ['fourteen sixty-nine', '1469'],
  ['one oh one', '101'],
  ['two million three hundred and five thousand and one dollars', '$2305001'],
  ['twenty-first century in the nineteen sixties', '21st century in the 1960s'],
  ['$20 million, £3.50 and seventy cents', '$20000000 £3.50 and ¢70'],
  ['two dollars and seven cents', '$2.07'],
  ["1,000 arbours, the organiser's armour catalogue", '1000 arbors the organizer is armor catalog'],
  ['double oh seven, triple nine', '007999'],
  ['point five percent; ten per cent; per year', '.5% 10% per year'],
  ['minus twenty, minus the cat', '-20 minus the cat'],
  ['two and a half, a cat and a half', '2.5 a cat and a half'],
  ['the 1960 s and 4 th of July', 'the 1960s and 4th of july'],
  ['café naïve Straße œuvre', 'cafe naive strasse oeuvre'],
  ["Uh, I'd've gonna y'all hmm", 'i would have going to you all'],
  ['optimum, timm and hmm', 'optimum timm and'],
  ['one hundred and one of the ones', '101 of the ones'],
  ['a hundred thousandths', 'a 100 thousandths'],
  ['nine decillion twenty two', '9000000000000000000000000000000022'],
  ["st. john's rd.", 'saint john is rd'],
  ['5.0 and 10. and $.5', '5 and 10 and .5'],
  ["half past five o'clock", 'half past 50 clock'],
  ['twenty twenty four', '2024'],
  ['three sixes are eighteen', '36s are 18'],
])('writes “%s” as the published normalizer does', (text, written) => {
  expect(englishWords(text).join(' ')).toBe(written)
})

test('has the spellings of whisper/normalizers/english.json, and no others', () => {
  const sorted = [...americanSpellings].sort(([a], [b]) => (a < b ? -1 : 1))
  const hash = createHash('sha256').update(JSON.stringify(sorted)).digest('hex')
  expect(hash).toBe('bd10f03eb44a34bee7a03ad6901ea3e22087705746cf45d04fc799b3c215b268')
})
