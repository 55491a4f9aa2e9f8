import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { publicPackages, readJson, root } from '../workspace.mjs'

/** The folder of the reports, relative to the root. */
export const REPORTS = 'etc'

/**
 * The exports of a package at one of its entry points.
 * @typedef {{ file: string, text: string }} Report `file`: `core.api.md`, `core-testing.api.md`
 */

/**
 * The reports of packages as they are built now: every declaration that an entry point exports, and those that these
 * are made of.
 * @param {readonly string[]} [folders] absolute; none given: all that are published
 * @returns {Report[]} sorted by file
 */
export function apiReports(folders = publicPackages().map(({ folder }) => join(root, folder))) {
  const scratch = mkdtempSync(join(tmpdir(), 'tp-api-'))
  try {
    const reports = folders.flatMap((folder) => {
      const { name, exports = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      return Object.entries(exports)
        .filter(([, target]) => target.types !== undefined) // others are files, not modules
        .map(([entry, { types }]) => {
          const file = `${[name.split('/').at(-1), ...entry.split('/').slice(1)].join('-')}.api.md`
          return { file, text: reportOf(folder, join(folder, types), file, scratch) }
        })
    })
    return reports.sort((a, b) => (a.file < b.file ? -1 : 1))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** @returns {Report[]} the reports that the repository has, sorted by file */
export function writtenReports() {
  const folder = join(root, REPORTS)
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.api.md')) : []
  return files.sort().map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }))
}

/** @returns {string[]} the files that were written or removed */
export function writeReports() {
  const reports = apiReports()
  const written = writtenReports()
  const stale = reports.filter(({ file, text }) => text !== written.find((report) => report.file === file)?.text)
  const gone = written.filter(({ file }) => !reports.some((report) => report.file === file))
  mkdirSync(join(root, REPORTS), { recursive: true })
  for (const { file, text } of stale) writeFileSync(join(root, REPORTS, file), text)
  for (const { file } of gone) rmSync(join(root, REPORTS, file))
  return [...stale, ...gone].map(({ file }) => `${REPORTS}/${file}`)
}

/** @param {string} folder @param {string} types @param {string} file @param {string} scratch */
function reportOf(folder, types, file, scratch) {
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: { files: [types], compilerOptions: readJson('tsconfig.base.json').compilerOptions },
      },
      apiReport: {
        enabled: true,
        // A type that is used but not exported is part of what users see, too.
        includeForgottenExports: true,
        reportFileName: file,
        reportFolder: scratch,
        reportTempFolder: join(scratch, 'temp'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  })
  /** @type {string[]} */
  const errors = []
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      if (message.logLevel === 'error' || message.category === 'Compiler') errors.push(message.text)
      message.handled = true
    },
  })
  if (!succeeded || errors.length > 0) throw new Error(`${file} could not be made:\n${errors.join('\n')}`)
  return withoutRemarks(readFileSync(join(scratch, file), 'utf8'))
}

/** Without what changes with comments alone. @param {string} text */
function withoutRemarks(text) {
  return text
    .replace(/^ *\/\/ (@public|\(undocumented\)|@public \(undocumented\)|\(No @packageDocumentation .*)\n/gm, '')
    .replace(/\n{3,}/g, '\n\n')
}
