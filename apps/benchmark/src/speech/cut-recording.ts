import { basename } from 'node:path'
import type { SpeechClip } from '@tp/data'
import { wordsOf } from '@tp/metrics'
import { cutAtPauses } from './cut-at-pauses.ts'
import { divideWords } from './divide-words.ts'
import type { Spoken } from './write-down.ts'

/** A recording in clips. */
export interface CutRecording {
  readonly recording: SpeechClip
  /** Samples a second. */
  readonly rate: number
  readonly clips: readonly Spoken[]
}

/** A recording as clips of 3 to 9 s that end at its pauses; shorter ones are one clip. */
export async function cutRecording(recording: SpeechClip): Promise<CutRecording> {
  const { samples, sampleRate: rate } = await recording.read()
  const { language } = recording
  const clips = cutAtPauses(samples, rate).map((own, i): Spoken => {
    return { name: `${basename(recording.source)} ${i}`, samples: own, ...(language && { language }) }
  })
  return { recording, rate, clips }
}

/** A clip of a recording, and what models have written. */
export interface DividedClip {
  readonly language: string
  /** Its spoken words. */
  readonly said: readonly string[]
  /** By model. */
  readonly texts: readonly string[]
}

/**
 * Divides the transcript of a recording among its clips so that all models together have the fewest errors.
 * @param written texts of each clip, by model
 */
export function dividedClips(
  { text, language = 'en' }: SpeechClip,
  written: readonly (readonly string[])[],
): DividedClip[] {
  const said = divideWords(
    wordsOf(text, language),
    written.map((texts) => texts.map((own) => wordsOf(own, language))),
  )
  return written.map((texts, i) => ({ language, said: said[i] as string[], texts }))
}
