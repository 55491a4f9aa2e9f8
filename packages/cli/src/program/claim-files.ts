import { stat } from 'node:fs/promises'
import { idxLabels, modelFolderFiles } from '@tp/data'
import { type FileClaims, outputsOf } from '@tp/data/files'
import type { ParsedArguments } from '../arguments/arguments.ts'
import type { OptionTable, Reads } from '../arguments/option.ts'
import { writtenOption } from '../arguments/through.ts'
import type { Command } from '../commands/command.ts'
import { pluginFile } from '../plugins/import-plugin.ts'

/**
 * Tells of all that a command is going to write.
 * @throws TpError as `FileClaims.writes`
 */
export async function claimOutputs(
  files: FileClaims,
  { options: table, writes }: Command,
  { operands, options }: ParsedArguments,
): Promise<void> {
  const named = Object.entries(table).flatMap(([name, { writes: kind, short }]) =>
    kind === undefined
      ? []
      : outputsOf(
          { [short === undefined ? `--${name}` : `-${short}`]: options[name] as string | undefined },
          kind === 'model' ? { holdsModel: true } : {},
        ),
  )
  for (const output of [...named, ...(writes?.(options, operands) ?? [])]) await files.writes(output)
}

/**
 * Tells of all that the operands and options of a command name to be read.
 * @throws TpError as `FileClaims.reads`
 */
export async function claimInputs(
  files: FileClaims,
  table: OptionTable,
  { operands, options }: ParsedArguments,
): Promise<void> {
  for (const operand of operands) await claimModel(files, operand)
  for (const [name, { reads }] of Object.entries(table)) {
    if (reads === undefined) continue
    for (const value of [options[name] ?? []].flat()) {
      if (typeof value === 'string') await claims[reads](files, value, `of ${writtenOption(table, name)}`)
    }
  }
}

const claims: Readonly<Record<Reads, (files: FileClaims, path: string, of: string) => Promise<void>>> = {
  file: (files, path, of) => files.reads(path, `the file ${of}`),
  model: claimModel,
  data: claimData,
  async module(files, name, of) {
    const path = pluginFile(name)
    if (path !== undefined) await files.reads(path, `the module ${of}`)
  },
}

/** With what lies next to it and says how it reads its inputs. Its data files follow when it is read. */
async function claimModel(files: FileClaims, path: string): Promise<void> {
  await files.willReadModel(path)
  for (const own of (await modelFolderFiles(path)).values()) await files.reads(own, "a file of the model's,")
}

async function claimData(files: FileClaims, path: string, of: string): Promise<void> {
  const entry = await stat(path).catch(() => undefined)
  if (entry?.isDirectory()) return await files.readsFolder(path, `the folder ${of}`)
  await files.reads(path, `the file ${of}`)
  for (const labels of idxLabels(path)) await files.reads(labels, `the labels ${of}`)
}
