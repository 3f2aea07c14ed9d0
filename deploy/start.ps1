# Starts otlpd: start.ps1 [-Port N] [-HostAddress ADDR] [-LogLevel LEVEL] [-Help] [further flags of `otlpd serve`]
param(
    [int]$Port,
    [Alias("Host")][string]$HostAddress,
    [string]$LogLevel,
    [switch]$Help,
    [Parameter(ValueFromRemainingArguments)][string[]]$More
)
if ($Help) { Get-Content $PSCommandPath -TotalCount 1; exit 0 }
$words = @("serve")
if ($Port) { $words += @("--api-port", $Port) }
if ($HostAddress) { $words += @("--host", $HostAddress) }
if ($LogLevel) { $words += @("--log-level", $LogLevel.ToLower()) }
if ($More) { $words += $More }
if (Get-Command otlpd -ErrorAction SilentlyContinue) { & otlpd @words } else { & py -m otlpd @words }
exit $LASTEXITCODE
