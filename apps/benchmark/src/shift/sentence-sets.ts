import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type TextDataset, textDataset } from '@tp/eval/inputs'

/** Sentences of reviews, 500 of either kind in each set. */
export const sentenceSets = ['amazon', 'imdb', 'yelp'] as const

/**
 * Sentences with their sentiment (0 negative, 1 positive) from the fixtures of npm `sentiment` (MIT), which has them from
 * Kotzias et al., "From Group to Individual Labels Using Deep Features", KDD 2015. An entry without a class is left out.
 */
export function sentenceSet(name: (typeof sentenceSets)[number]): TextDataset {
  const path = createRequire(import.meta.url).resolve(`sentiment/test/fixtures/${name}.json`)
  const entries = JSON.parse(readFileSync(path, 'utf8')) as { text: string; class: number | null }[]
  const texts = entries.flatMap(({ text, class: label }) => (label === null ? [] : [{ text: text.trim(), label }]))
  return textDataset(`${name} sentences`, texts)
}
