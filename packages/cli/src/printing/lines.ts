type Part = string | false | undefined | readonly string[]

/** The line about a file that nothing has run yet. */
export const NOT_VERIFIED = 'not verified; --verify compares it with the model first'

/** Lines of a report, without those that do not apply. */
export function lines(...parts: readonly Part[]): string {
  return parts
    .flat()
    .filter((part) => typeof part === 'string')
    .join('\n')
}
