import { type NamedTensors, openSession, type Session, type ValueInfo } from '@tp/core/runtime'
import type { Answers } from './answers.ts'

/** Answers of several data sets, one behind the other, as a session: its input is the places of the answers. */
export function replay(parts: readonly Answers[]): Session {
  const logits = parts.flatMap((part) => part.logits)
  const names = Object.keys(parts[0]?.watched ?? {})
  const watched = new Map(names.map((name) => [name, parts.flatMap((part) => part.watched[name] ?? [])]))
  const classes = logits[0]?.length ?? 0
  const output = (name: string, dims: (number | string)[]): ValueInfo => ({ name, type: 'float32', dims })
  return openSession('benchmark', {
    inputs: [{ name: 'places', type: 'int32', dims: ['batch'] }],
    outputs: [output('logits', ['batch', classes]), ...names.map((name) => output(name, ['batch']))],
    async run(inputs) {
      const places = Array.from(inputs.places?.data as Int32Array)
      const results: Record<string, NamedTensors[string]> = {
        logits: {
          type: 'float32',
          dims: [places.length, classes],
          data: Float32Array.from(places.flatMap((place) => logits[place] as number[])),
        },
      }
      for (const [name, values] of watched) {
        const data = Float32Array.from(places, (place) => values[place] as number)
        results[name] = { type: 'float32', dims: [places.length], data }
      }
      return results
    },
    endProfile: async () => undefined,
    close: async () => {},
  })
}

/** The inputs of {@link replay} for some places. */
export function places(rows: readonly number[]): NamedTensors {
  return { places: { type: 'int32', dims: [rows.length], data: Int32Array.from(rows) } }
}
