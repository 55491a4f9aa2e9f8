import { computed, type ReadonlySignal, signal } from '@preact/signals'
import { type MethodEntry, TpError } from '@tp/core'
import { isChoosable, type MethodGroup, methodGroups, ownMethods } from '../engine/methods.ts'
import { importMethods } from '../engine/plugins.ts'

/** A module that a person has added to the page. */
interface AddedPlugin {
  /** Of the module, for workers that import it too. */
  readonly address: string
  readonly methods: readonly MethodEntry[]
}

const added = signal<readonly AddedPlugin[]>([])

export const allGroups: ReadonlySignal<readonly MethodGroup[]> = computed(() => {
  const methods = added.value.flatMap(({ methods }) => methods)
  return methods.length === 0 ? methodGroups : [...methodGroups, { title: 'Added', methods }]
})

/** A method that can be chosen. */
export function findMethod(name: string): MethodEntry | undefined {
  return allGroups.value.flatMap(({ methods }) => methods).find((method) => method.name === name)
}

/** Where the modules of added methods are. */
export function pluginAddresses(): readonly string[] {
  return added.value.map(({ address }) => address)
}

/** @returns the name of its first method @throws TpError TP_PLUGIN */
export async function addFile(file: File): Promise<string> {
  // Not the file itself: its type may not be that of a program, and then it is not run.
  const address = URL.createObjectURL(new Blob([await file.text()], { type: 'text/javascript' }))
  try {
    return await add(address, file.name)
  } catch (error) {
    URL.revokeObjectURL(address)
    throw error
  }
}

/** @returns the name of its first method @throws TpError TP_PLUGIN */
export async function addAddress(text: string): Promise<string> {
  const address = URL.canParse(text) ? new URL(text) : undefined
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new TpError('TP_PLUGIN', text, 'this is not an address of the form https://…')
  }
  return await add(address.href, text)
}

async function add(address: string, where: string): Promise<string> {
  const methods = (await importMethods(address, where)).filter(isChoosable)
  const [first] = methods
  if (first === undefined) {
    throw new TpError('TP_PLUGIN', where, 'it has no method that works without trained values; tp prune takes those')
  }
  const taken = methods.find(({ name }) => ownMethods.some((own) => own.name === name))
  if (taken !== undefined) {
    throw new TpError('TP_PLUGIN', where, `it has a method "${taken.name}", but so has this page; rename it`)
  }
  // A file that is added a second time has changed meanwhile.
  const isNew = ({ name }: MethodEntry): boolean => !methods.some((method) => method.name === name)
  added.value = [...added.value.filter((other) => other.methods.every(isNew)), { address, methods }]
  return first.name
}
