import { expect, test } from 'vitest'
import { problemsOfPublishing } from './publishing.mjs'

const url = 'git+https://example.com/tp.git'
const unpublished = new Set(['browser-tests'])
const manifest = {
  name: '@tp/compiler',
  files: ['dist', 'src', '!src/**/*.test.ts', '!**/*.tsbuildinfo'],
  publishConfig: { access: 'public', provenance: true },
  repository: { type: 'git', url, directory: 'packages/compiler' },
  keywords: ['onnx', 'token-pruning', 'inference', 'compiler', 'graph'],
  homepage: 'https://example.com/tp/tree/main/packages/compiler#readme',
  bugs: 'https://example.com/tp/issues',
  dependencies: { '@tp/onnx': 'workspace:^', 'csv-parse': '7.0.3' },
  peerDependencies: { '@tp/core': 'workspace:^' },
  devDependencies: { 'browser-tests': 'workspace:*' },
}

/** @param {object} [changes] */
function problems(changes) {
  const changed = { ...manifest, ...changes }
  return problemsOfPublishing({ folder: 'packages/compiler', manifest: changed }, url, unpublished)
}

test('accepts a complete manifest, even with more files', () => {
  expect(problems()).toEqual([])
  expect(problems({ files: [...manifest.files, 'binding.gyp', 'native', 'prebuilds'] })).toEqual([])
})

test.each([
  ['a package without public access', { publishConfig: { provenance: true } }, 'access'],
  ['few keywords', { keywords: ['onnx'] }, 'keywords'],
  ['no homepage', { homepage: undefined }, 'homepage'],
  ['bugs of another project', { bugs: 'https://example.com/other/issues' }, 'bugs'],
  ['no provenance', { publishConfig: { access: 'public' } }, 'provenance'],
  ['no repository', { repository: undefined }, url],
  [
    'the folder of another package',
    { repository: { ...manifest.repository, directory: 'packages/core' } },
    'packages/compiler"',
  ],
  ['a different repository', { repository: { ...manifest.repository, url: 'git+https://example.com/fork.git' } }, url],
  ['a package without its code', { files: manifest.files.slice(1) }, 'files does not include dist'],
  ['tests in the package', { files: ['dist', 'src', '!**/*.tsbuildinfo'] }, '!src/**/*.test.ts'],
  ['a package bound to one version of another', { dependencies: { '@tp/onnx': 'workspace:*' } }, 'workspace:*'],
  ['a dependency that is not published', { dependencies: { 'browser-tests': 'workspace:^' } }, 'browser-tests'],
])('finds %s', (_, wrong, problem) => {
  expect(problems(wrong)).toEqual([expect.stringContaining(problem)])
})
