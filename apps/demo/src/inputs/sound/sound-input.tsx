import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Content } from '../content.ts'
import { FileDrop } from '../file-drop.tsx'
import { useLatest } from '../latest.ts'
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
  const isShown = useRef(true)
  const begin = useLatest()

  useEffect(
    () => () => {
      isShown.current = false
      end.current?.abort()
    },
    [],
  )

  async function read(file: Blob | undefined, name: string): Promise<void> {
    if (file === undefined) return
    const isLatest = begin()
    try {
      const sound = await readSound(file, sampleRate, length)
      if (!isLatest()) return
      content.value = { kind: 'sound', sound }
      problem.value = undefined
    } catch {
      if (isLatest()) problem.value = `${name} is not a sound that this browser can read; WAV, MP3 and Ogg work.`
    }
  }

  async function onRecord(): Promise<void> {
    if (recording.value) return end.current?.abort()
    end.current = new AbortController()
    recording.value = true
    try {
      const recorded = await record(end.current.signal, longest)
      if (recorded.size === 0) problem.value = 'Nothing was recorded.'
      else if (isShown.current) await read(recorded, 'The recording')
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
