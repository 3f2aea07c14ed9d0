// Runs a coding agent once, without a terminal: it asks the stub model, calls the tools it is left, and tells of it.
// The argument names it: gemini, qwen, claude or codex. Each is told by its own settings where to send, and nothing else.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const which = process.argv[2]
const { PATH, STUB_MODEL: model, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = process.env
const home = mkdtempSync(join(tmpdir(), 'coding-agent-'))
const project = join(home, 'project')
mkdirSync(project)
writeFileSync(join(project, 'weather.txt'), '21 degrees in Paris\n')
const prompt = 'What is the weather in Paris? Use one tool.'
const common = { PATH, HOME: home, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1', CI: '1', DO_NOT_TRACK: '1' }

function settings(folder, name, text) {
  mkdirSync(join(home, folder), { recursive: true })
  writeFileSync(join(home, folder, name), text)
}

// Gemini CLI and its fork: one tool, spans too, by HTTP, which is JSON there. They send their instructions: ours are shorter.
const instructions = join(home, 'instructions.md')
writeFileSync(instructions, 'Tell the weather.\n')
const telemetry = { enabled: true, target: 'local', otlpEndpoint: endpoint, otlpProtocol: 'http', logPrompts: true, traces: true }
const family = {
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false, disableAutoUpdate: true },
  tools: { core: ['list_directory'], exclude: ['agent'] },
  telemetry,
}

const agents = {
  gemini() {
    const auth = { security: { auth: { selectedType: 'gemini-api-key' } } }
    settings('.gemini', 'settings.json', JSON.stringify({ ...family, ...auth }))
    const environment = { GEMINI_API_KEY: 'stub', GOOGLE_GEMINI_BASE_URL: model, GEMINI_CLI_TRUST_WORKSPACE: 'true' }
    environment.GEMINI_SYSTEM_MD = instructions
    return ['gemini', ['-m', 'gemini-2.5-flash', '-p', prompt], environment]
  },
  qwen() {
    const auth = { security: { auth: { selectedType: 'openai' } } }
    settings('.qwen', 'settings.json', JSON.stringify({ ...family, ...auth }))
    const environment = { OPENAI_API_KEY: 'stub', OPENAI_BASE_URL: `${model}/v1`, OPENAI_MODEL: 'qwen3-coder-plus' }
    environment.QWEN_SYSTEM_MD = instructions
    return ['qwen', ['-p', prompt], environment]
  },
  claude() {
    const exporters = Object.fromEntries(['METRICS', 'LOGS', 'TRACES'].map((signal) => [`OTEL_${signal}_EXPORTER`, 'otlp']))
    const environment = {
      ANTHROPIC_API_KEY: 'stub',
      ANTHROPIC_BASE_URL: model,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_ENABLE_TELEMETRY: '1',
      CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_LOG_USER_PROMPTS: '1',
      OTEL_LOG_TOOL_DETAILS: '1',
      ...exporters,
    }
    return ['claude', ['-p', prompt, '--model', 'claude-sonnet-4-5', '--tools', 'Read', '--allowedTools', 'Read'], environment]
  },
  codex() {
    const to = (signal) => `{ otlp-http = { endpoint = "${endpoint}/v1/${signal}", protocol = "binary" } }`
    const lines = [
      'model = "gpt-5-mini"',
      'model_provider = "stub"',
      'check_for_update_on_startup = false',
      '[model_providers.stub]',
      'name = "stub"',
      `base_url = "${model}/v1"`,
      'wire_api = "responses"',
      'env_key = "OPENAI_API_KEY"',
      'request_max_retries = 0',
      '[analytics]',
      'enabled = false',
      '[otel]',
      'environment = "test"',
      'log_user_prompt = true',
      `exporter = ${to('logs')}`,
      `trace_exporter = ${to('traces')}`,
      `metrics_exporter = ${to('metrics')}`,
    ]
    settings('.codex', 'config.toml', `${lines.join('\n')}\n`)
    return ['codex', ['exec', '--skip-git-repo-check', '--sandbox', 'read-only', prompt], { OPENAI_API_KEY: 'stub' }]
  },
}

const [command, given, environment] = agents[which]()
const run = spawnSync(join(process.cwd(), 'node_modules', '.bin', command), given, {
  cwd: project,
  env: { ...common, ...environment },
  input: '',
  encoding: 'utf8',
  timeout: 150_000,
})
console.log(run.status, run.stdout, run.stderr)
process.exit(run.status ?? 1)
