/** A text without what stands in brackets, such as [music], (laughs) or <unk>: programs that write speech down note noises so. */
export function withoutBrackets(text: string): string {
  return text.replaceAll(/[<[][^>\]]*[>\]]/g, '').replaceAll(/\([^)]+?\)/g, '')
}
