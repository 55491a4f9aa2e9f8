import { TpError } from '@tp/core'
import { readSpeech } from '@tp/data'

/** Seconds of recordings that are taken. */
const [LEAST, MOST] = [1.5, 10]

export interface SpokenClip {
  readonly samples: Float32Array
  readonly text: string
}

/** Recordings of 1.5 to 10 s, of one rate in samples a second. @throws TpError TP_DATA */
export async function spokenClips(
  path: string,
): Promise<{ readonly speech: readonly SpokenClip[]; readonly rate: number }> {
  const { clips } = await readSpeech(path)
  const sounds = await Promise.all(clips.map(async (clip) => ({ ...(await clip.read()), text: clip.text })))
  const rate = sounds[0]?.sampleRate ?? 0
  const speech = sounds.filter(
    ({ samples, sampleRate }) => sampleRate === rate && samples.length >= LEAST * rate && samples.length <= MOST * rate,
  )
  if (speech.length === 0)
    throw new TpError('TP_DATA', 'benchmark', `${path}: no recording is ${LEAST} to ${MOST} s long`)
  return { speech, rate }
}
