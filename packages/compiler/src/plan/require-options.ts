import { TpError } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import { is } from 'valibot'
import { type Field, mismatch } from './field.ts'

/**
 * Options as they come from anywhere: a program without types, a page, a plugin.
 * @param known names of all options that there are
 * @returns the options; their values are not checked yet
 * @throws TpError TP_OPTION for what is not an object, and for an unknown option
 */
export function requireOptions(options: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (!isRecord(options)) {
    const seen = `the options are ${shown(options)}`
    throw new TpError('TP_OPTION', 'compiler', `${seen}; they must be an object with ${known.join(', ')}`)
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return options
  throw new TpError(
    'TP_OPTION',
    'compiler',
    `there is no option ${unknown.slice(0, 40)}; there are ${known.join(', ')}`,
  )
}

/** Checks an option. @throws TpError */
export function demand(name: string, value: unknown, field: Field<unknown>): void {
  if (!is(field.schema, value)) throw new TpError(field.code, 'compiler', mismatch(name, value, field))
}
