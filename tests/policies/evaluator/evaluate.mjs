// Questions on stdin, answers on stdout, one JSON object a line and in the same order. First argument: the folder with node_modules.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const { isWildcardOnlyAction, runSimulation } = createRequire(`${process.argv[2]}/`)('@cloud-copilot/iam-simulate')

const answer = async ({ simulation, action }) => {
  if (action) {
    const [service, name] = action.split(':')
    return { wildcardOnly: await isWildcardOnlyAction(service, name) }
  }
  const found = await runSimulation(simulation, { simulationMode: 'Strict' })
  if (found.resultType !== 'single') return { errors: found.errors ?? `${found.resultType}: name one resource` }
  return { result: found.overallResult, ignored: found.result.ignoredContextKeys ?? [] }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`)
}
