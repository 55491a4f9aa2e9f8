import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { Content } from '../content.ts'
import { FileDrop } from '../file-drop.tsx'
import { readSound } from './read-sound.ts'
import { record } from './record.ts'

export interface SoundInputProps {
  readonly content: Signal<Content | undefined>
  /** Samples a second that the model takes. */
  readonly sampleRate: number
  /** Samples that the model takes; undefined: any number. */
  readonly length: number | undefined
  /** Seconds that are recorded at most (default 10). */
  readonly longest?: number
  /** The treatment of a sound; default: by its length. */
  readonly note?: string
}

/** A sound to choose, drop, or record. */
export function SoundInput({ content, sampleRate, length, longest = 10, note }: SoundInputProps): JSX.Element {
  const problem = useSignal<string | undefined>(undefined)
  const recording = useSignal(false)
  const end = useRef<AbortController | undefined>(undefined)

  async function read(file: Blob | undefined, name: string): Promise<void> {
    if (file === undefined) return
    try {
      content.value = { kind: 'sound', sound: await readSound(file, sampleRate, length) }
      problem.value = undefined
    } catch {
      problem.value = `${name} is not a sound that this browser can read; WAV, MP3 and Ogg work.`
    }
  }

  async function onRecord(): Promise<void> {
    if (recording.value) return end.current?.abort()
    end.current = new AbortController()
    recording.value = true
    try {
      const signal = AbortSignal.any([end.current.signal, AbortSignal.timeout(1000 * longest)])
      await read(await record(signal), 'The recording')
    } catch {
      problem.value = 'There is no microphone, or the page may not use it.'
    }
    recording.value = false
  }

  return (
    <>
      <FileDrop
        label="Choose a sound, or drop one here"
        accept="audio/*"
        multiple={false}
        onFiles={([file]) => read(file, file?.name ?? '')}
      />
      <div class="examples">
        <button type="button" aria-pressed={recording.value} onClick={onRecord}>
          {recording.value ? 'Stop recording' : 'Record'}
        </button>
        <span class="note">
          {note ??
            (length === undefined ? 'any length' : `the loudest ${(length / sampleRate).toFixed(1)} s of it are heard`)}
        </span>
      </div>
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </>
  )
}
