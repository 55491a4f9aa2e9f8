import type { Modality } from '@tp/data/inputs'
import { namedShift, type Shift, shiftSuite, shifts } from '@tp/data/shifts'
import { usageError } from '../command/usage-error.ts'

/** What `--shift` asks for. */
export interface AskedShifts {
  readonly shifts: readonly Shift[]
  readonly lengthBins: number
}

/** Enough to see short and long texts apart, few enough to have examples. */
const BINS = 4

/**
 * Reads `typos:3,padding-around,length`, or `suite`. A name without severity is all of its severities; `length` is bins by
 * length.
 * @throws TpError TP_USAGE
 */
export function readShifts(text: string, modality: Modality): AskedShifts {
  const isText = modality === 'text'
  if (text === 'suite') return { shifts: shiftSuite(modality), lengthBins: isText ? BINS : 0 }
  const names = text.split(',').map((name) => name.trim())
  const known: readonly { readonly name: string; readonly levels: readonly number[] }[] = shifts[modality]
  const asked = names.flatMap((written): Shift[] => {
    const [, name = '', severity] = /^([a-z-]+)(?::(\d+))?$/.exec(written) ?? []
    const entry = known.find((one) => one.name === name)
    if (written === 'length' && isText) return []
    if (entry === undefined) {
      const all = ['suite', ...known.map((one) => one.name), ...(isText ? ['length'] : [])].join(', ')
      throw usageError(`--shift has "${written}"; for ${modality} data there are ${all}, with a severity as typos:3`)
    }
    const most = entry.levels.length - 1
    if (severity !== undefined && Number(severity) > most)
      throw usageError(`--shift has ${written}; ${name} has severities 0 to ${most}`)
    const severities = severity === undefined ? Array.from({ length: most }, (_, i) => i + 1) : [Number(severity)]
    return severities.map((one): Shift => namedShift(modality, name, one))
  })
  return { shifts: asked, lengthBins: names.includes('length') ? BINS : 0 }
}
