/** Changes that a command has made to a folder, for its model card. */
export interface FolderReport {
  /** `tp optimize` */
  readonly command: string
  /** The files that it has changed. */
  readonly changed: readonly string[]
  /** Those that the new folder does not have, with the reason. */
  readonly leftOut: readonly { readonly file: string; readonly why: string }[]
  /** The plan by which it was done. */
  readonly plan?: object | undefined
  /** The printed report: figures, losses with their intervals, the verdict. */
  readonly text: string
}

/**
 * A model card with a section on what was done to the model, after those on what was done before. All else remains, front matter with
 * its license included.
 */
export function withSection(card: string | undefined, report: FolderReport): string {
  const { command, changed, leftOut, plan, text } = report
  const asBlock = (language: string, content: string): string => `\`\`\`${language}\n${content}\n\`\`\``
  const items = [
    ...changed.map((file) => `- \`${file}\` was changed`),
    ...leftOut.map(({ file, why }) => `- \`${file}\` was left out: ${why}`),
  ]
  const section = [
    `## Changed by \`${command}\``,
    'Written by [@tp](https://github.com/tp-pruning/tp). All files that are not named here are those of the original, and so is the license.',
    items.join('\n'),
    ...(plan === undefined ? [] : ['By this plan:', asBlock('json', JSON.stringify(plan, null, 2))]),
    'The report, with what was measured on the machine that wrote it:',
    asBlock('text', text),
  ].join('\n\n')
  return card === undefined ? `${section}\n` : `${card.trimEnd()}\n\n${section}\n`
}
