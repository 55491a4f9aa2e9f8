import { type Command, command } from '../command/command.ts'
export const benchCommand: Command = command({ options: {}, async run() { return 1 } })
