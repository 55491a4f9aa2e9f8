type Part = string | false | undefined | readonly string[]

/** Lines of a report, without those that do not apply. */
export function lines(...parts: readonly Part[]): string {
  return parts
    .flat()
    .filter((part) => typeof part === 'string')
    .join('\n')
}
