/**
 * The one error class of the toolkit.
 *
 * `code` is stable and meant for programs (`TP_UNKNOWN_METHOD`); `where` says which package and which thing
 * (`[method-attention] cls-attention, layer 3`); the message says what was seen and what to do about it.
 */
export class TpError extends Error {
  override readonly name = 'TpError'
  readonly code: string
  readonly where: string

  constructor(code: `TP_${string}`, where: string, message: string, options?: { cause?: unknown }) {
    super(`[${where}] ${message}`, options)
    this.code = code
    this.where = where
  }
}

/** True for an error of the toolkit, also when it comes from another copy of `@tp/core`. */
export function isTpError(error: unknown): error is TpError {
  return error instanceof Error && error.name === 'TpError' && typeof (error as Partial<TpError>).code === 'string'
}

/** The message of an error of the toolkit without `where` in front, for one that says so itself. */
export function bareMessage({ message, where }: TpError): string {
  return message.replace(`[${where}] `, '')
}

/** An error from whatever was thrown by code that anybody may have written: `null`, a text, or an object that throws itself when it is read. */
export function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error && [thrown.message, thrown.name].every((text) => typeof text === 'string'))
      return thrown
    return new Error(String(thrown))
  } catch {
    return new Error('something that cannot be read')
  }
}
