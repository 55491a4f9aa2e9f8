import { RootCommand, ShellCompDirective } from '@bomb.sh/tab'
import { didYouMean } from '../arguments/did-you-mean.ts'
import { settingName } from '../arguments/through.ts'
import { usageError } from '../arguments/usage-error.ts'
import { commands } from '../commands/index.ts'

const SHELLS: readonly string[] = ['bash', 'zsh', 'fish', 'powershell']

/**
 * `tp complete SHELL` prints a script that completes commands, options and what they may be; the script asks `tp complete -- WORDS`.
 * Both print to stdout. Only the command that is being written is loaded.
 * @throws TpError TP_USAGE for another shell
 */
export async function complete(args: readonly string[]): Promise<void> {
  const [shell = '', ...typed] = args
  const root = new RootCommand()
  const [subcommand] = typed
  for (const [name, { summary, operands, load }] of Object.entries(commands)) {
    const command = root.command(name, summary)
    for (const operand of operands) command.argument(operand, () => undefined)
    if (name !== subcommand) continue
    const { options } = await load()
    for (const [option, { type, description, value = '', words, short, through }] of Object.entries(options)) {
      if (through !== undefined) continue
      const settings = Object.keys(options).filter((name) => options[name]?.through === option)
      const choices = [
        ...(words ?? (await choicesOf(option, value, typed.at(-2)))),
        ...settings.flatMap((name) => settingsOf(name, options[name]?.value ?? '')),
      ]
      if (type === 'boolean') command.option(option, description, ...(short === undefined ? [] : [short]))
      else
        command.option(
          option,
          description,
          (offer) => {
            for (const choice of choices) offer(choice, '')
          },
          short,
        )
    }
  }
  if (shell === '--') {
    // The library forbids the shell to complete files; where nothing else is known, a file is what is likely meant.
    const { ShellCompDirectiveDefault: files, ShellCompDirectiveNoFileComp: noFiles } = ShellCompDirective
    Object.defineProperty(root, 'directive', {
      get: () => (root.completions.length === 0 ? files : noFiles),
      set() {},
    })
    return root.parse([...typed])
  }
  if (!SHELLS.includes(shell)) {
    const seen = shell === '' ? 'SHELL is missing' : `there is no completion for "${shell}"${didYouMean(shell, SHELLS)}`
    throw usageError(`${seen}; tp complete ${SHELLS.join('|')}`)
  }
  if (shell === 'bash') process.stdout.write(WITHOUT_BASH_COMPLETION)
  root.setup('tp', 'tp', shell)
}

/** `restore=none` and all else that it may be, where that is known. */
function settingsOf(name: string, placeholder: string): string[] {
  const words = choicesIn(placeholder) ?? ['']
  return words.map((word) => `${settingName(name)}=${word}`)
}

/** Words that a placeholder lists. */
function choicesIn(placeholder: string): string[] | undefined {
  return /^[\w-]+(?:\|[\w-]+)+$/.test(placeholder) ? placeholder.split('|') : undefined
}

/** The possible values of an option; none where it is a file, or the user's own. */
async function choicesOf(option: string, placeholder: string, before: string | undefined): Promise<readonly string[]> {
  const words = choicesIn(placeholder)
  if (words !== undefined) return words
  if (!['method', 'methods'].includes(option) || before !== `--${option}`) return []
  // Loaded only where their names are needed.
  const { loadMethods } = await import('../plugins/load-methods.ts')
  return [...(await loadMethods()).keys()]
}

/** The script asks a function of the package bash-completion, which not every system has, for the words of the line. */
const WITHOUT_BASH_COMPLETION = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        cur="\${COMP_WORDS[COMP_CWORD]}"
        prev="\${COMP_WORDS[COMP_CWORD-1]}"
        words=("\${COMP_WORDS[@]}")
        cword="$COMP_CWORD"
    }
fi
`
