/** An error of the toolkit (`isTpError` of `@tp/core`), which this package does without. */
export class ExampleError extends Error {
  override readonly name = 'TpError'
  readonly code: `TP_${string}`
  readonly where = 'tp-models'

  constructor(code: `TP_${string}`, message: string, options?: { readonly cause: unknown }) {
    super(`[tp-models] ${message}`, options)
    this.code = code
  }
}
