import { cpus, totalmem } from 'node:os'
import type { Runtime } from '@tp/core/runtime'
import type { Files } from '../files.ts'
import type { Table } from './table.ts'

/** The findings of one section: numbers, in tables for readers and as they are for programs. */
export interface Findings {
  readonly tables: readonly Table[]
  readonly values: unknown
  /** Findings that should not be, in sentences; a run that finds any fails. */
  readonly wrong?: readonly string[]
  /** The answer that the tables give, in one sentence. */
  readonly verdict?: string
  /** The reason why the numbers are rougher than usual. */
  readonly note?: string | undefined
}

export interface SectionContext extends Files {
  /** The findings of another section of the report. */
  readonly found: (section: string) => Findings | undefined
  readonly onProgress: (text: string) => void
}

/** One part of a report, measured by itself. */
export interface ReportSection {
  /** For `--only`, and for its region of the page. */
  readonly name: string
  run(context: SectionContext): Promise<Findings>
}

/** Sections that are written to one page and one file of numbers, `reports/NAME.json`. */
export interface Report {
  readonly name: string
  /** Default: `docs/results/NAME.md`; false: it is only printed, and measured each time. */
  readonly page?: string | false
  readonly sections: readonly ReportSection[]
  /** The next command of a reader, printed at the end. */
  readonly next?: string
}

/** The surroundings that the numbers depend on, besides the project. */
export interface ReportSurroundings {
  readonly machine: string
  readonly versions: string
}

export async function surroundings(runtime: Runtime): Promise<ReportSurroundings> {
  const { runtime: name, version, device } = await runtime.diagnose()
  return {
    machine: `${device}, ${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    versions: `${name} ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  }
}
