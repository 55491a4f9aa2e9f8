import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { modelPath } from '@tp/models'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8')
const [dockerfile, unit, manifest] = ['Dockerfile', 'tp-serve.service', 'kubernetes.yaml'].map((name) =>
  read(`apps/examples/deploy/${name}`),
) as [string, string, string]

/** The rest of a line after its first word. */
const after = (text: string, word: string): string => text.match(new RegExp(`^${word}(.+)$`, 'm'))?.[1] ?? ''

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

interface Pod {
  readonly terminationGracePeriodSeconds: number
  readonly containers: readonly [
    {
      readonly args: readonly string[]
      readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
      readonly resources: { readonly limits: { readonly cpu: string } }
    } & Record<`${'startup' | 'readiness' | 'liveness'}Probe`, Probe>,
  ]
}

const [deployment, service, scaler] = parseAllDocuments(manifest).map((document) => document.toJS())
const pod: Pod = deployment.spec.template.spec
const [container] = pod.containers

const PROGRAM = 'node_modules/@tp/cli/bin/tp.js'

/** Arguments of `tp`, of each file. */
const commands = {
  Dockerfile: [...JSON.parse(after(dockerfile, 'ENTRYPOINT ')).slice(2), ...JSON.parse(after(dockerfile, 'CMD '))],
  'tp-serve.service': after(unit, `ExecStart=/usr/bin/node /srv/${PROGRAM} `).split(' '),
  'kubernetes.yaml': ['serve', ...container.args],
}

/** Starts `tp` as a file says, with a model that is here, at a free port, and without time to drain. */
async function start(args: readonly string[]) {
  const here = args.map((arg, i) =>
    arg.endsWith('.onnx') ? modelPath('mail') : args[i - 1] === '--drain-ms' ? '0' : arg,
  )
  const child = spawn(process.execPath, [`${root}/packages/cli/bin/tp.js`, ...here, '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const line of createInterface({ input: child.stdout })) {
    text += line
    if (line === '}') break
  }
  const { url, code, message } = JSON.parse(text)
  expect(code, message).toBeUndefined()
  return { child, url: String(url) }
}

// The manifest has all options of the other files.
test('tp starts as kubernetes.yaml says, answers its probes, and ends in order', async () => {
  const args = commands['kubernetes.yaml']
  expect(args[0]).toBe('serve')
  const { child, url } = await start(args)
  const ended = once(child, 'exit')
  for (const { httpGet } of [container.startupProbe, container.readinessProbe, container.livenessProbe])
    expect(await fetch(`${url}${httpGet.path}`)).toMatchObject({ status: 200 })
  const [metric] = scaler.spec.metrics
  expect(await (await fetch(`${url}/metrics`)).text()).toContain(`\n${metric.pods.metric.name}{model="mail"} 0\n`)
  child.kill('SIGTERM')
  expect(await ended).toEqual([Number(after(unit, 'SuccessExitStatus=')), null])
})

test('a container starts the program where it was installed', () => {
  expect(JSON.parse(after(dockerfile, 'ENTRYPOINT '))).toEqual(['node', PROGRAM, 'serve'])
})

test('the options of the other files are among those of the manifest', () => {
  const optionsOf = (args: readonly string[]) => args.filter((arg) => arg.startsWith('--'))
  expect(optionsOf(commands['kubernetes.yaml'])).toEqual(
    expect.arrayContaining([...optionsOf(commands.Dockerfile), ...optionsOf(commands['tp-serve.service'])]),
  )
})

test('the parts of the manifest name each other, and leave time to drain', () => {
  expect(service.spec.selector).toEqual(deployment.spec.template.metadata.labels)
  expect(deployment.spec.selector.matchLabels).toEqual(service.spec.selector)
  expect(scaler.spec.scaleTargetRef).toMatchObject({ kind: deployment.kind, name: deployment.metadata.name })
  const [port] = container.ports
  expect(service.spec.ports[0].targetPort).toBe(port?.name)
  expect(port?.containerPort).toBe(Number(after(dockerfile, 'EXPOSE ')))
  const option = (name: string): string | undefined => container.args[container.args.indexOf(name) + 1]
  expect(option('--threads')).toBe(container.resources.limits.cpu)
  expect(Number(option('--drain-ms')) / 1000).toBeLessThan(pod.terminationGracePeriodSeconds / 2)
})

test('docs/deploy.md shows the files as they are', () => {
  const document = read('docs/deploy.md')
  for (const file of [dockerfile, unit, manifest]) expect(document).toContain(`\n${file}\`\`\`\n`)
})
