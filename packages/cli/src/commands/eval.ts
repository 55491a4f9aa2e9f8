import { type Command, command } from '../command/command.ts'
export const evalCommand: Command = command({ options: {}, async run() { return 1 } })
