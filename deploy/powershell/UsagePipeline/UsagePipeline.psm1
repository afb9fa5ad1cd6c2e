Set-StrictMode -Version Latest

# A text without an offset is in UTC, as in the usage API. PowerShell alone would take it for local time.
function ConvertTo-ReportedTime([string] $Name, [string] $Text) {
    $styles = [Globalization.DateTimeStyles]::AssumeUniversal -bor [Globalization.DateTimeStyles]::AdjustToUniversal
    $time = [DateTimeOffset]::MinValue
    $formats = [string[]] @('yyyy-MM-dd', 'yyyy-MM-ddTHH:mmK', 'yyyy-MM-ddTHH:mm:ssK', 'yyyy-MM-ddTHH:mm:ss.FFFFFFFK')
    if (-not [DateTimeOffset]::TryParseExact($Text, $formats, [Globalization.CultureInfo]::InvariantCulture, $styles, [ref] $time)) {
        throw "-$Name is no time: write it like 2019-12-10T19:00:00Z"
    }
    return $time.UtcDateTime.ToString('yyyy-MM-ddTHH:mm:ss.fffffffZ', [Globalization.CultureInfo]::InvariantCulture)
}

<#
.SYNOPSIS
Reads usage by the hour or day in which it was reported.
.DESCRIPTION
Follows all pages, and waits for hours that are not complete and for a busy API as long as it asks, for at most
-WaitSeconds for each page. Each row goes down the pipeline as the API gives it.
.EXAMPLE
Get-UsageAggregates -ReportedStartTime "2019-12-10T19:00:00Z" -ReportedEndTime "2019-12-10T20:00:00Z" -AggregationGranularity Hourly
#>
function Get-UsageAggregates {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $ReportedStartTime,
        [Parameter(Mandatory)] [string] $ReportedEndTime,
        [ValidateSet('Daily', 'Hourly')] [string] $AggregationGranularity = 'Daily',
        # A stamp knows no other.
        [ValidateSet('True')] [string] $ShowDetails = 'True',
        # Only this tenant; for an operator.
        [string] $SubscriberId,
        # The calling subscription: a provider's, or with -Tenant a tenant's.
        [string] $SubscriptionId = $(if ($env:PROVIDER_SUBSCRIPTION_ID) { $env:PROVIDER_SUBSCRIPTION_ID } else { '39c82aed-b2b7-4a66-abdb-611de00bf11e' }),
        [switch] $Tenant,
        [string] $Endpoint = $(if ($env:USAGE_API_URL) { $env:USAGE_API_URL } else { 'http://127.0.0.1:8080' }),
        # Bearer token.
        [string] $Token = $env:USAGE_API_TOKEN,
        [int] $WaitSeconds = 300
    )
    $base = [Uri] $Endpoint
    if ($Token -and $base.Scheme -ne 'https' -and -not $base.IsLoopback) {
        throw "The token is not sent to $Endpoint, because everyone on the way could read it: use https."
    }
    $headers = @{ Accept = 'application/json' }
    if ($Token) { $headers['Authorization'] = "Bearer $Token" }
    $type = if ($Tenant) { 'Microsoft.Commerce/usageAggregates' } else { 'Microsoft.Commerce.Admin/subscriberUsageAggregates' }
    $query = [ordered] @{
        'api-version'          = '2015-06-01-preview'
        reportedStartTime      = ConvertTo-ReportedTime 'ReportedStartTime' $ReportedStartTime
        reportedEndTime        = ConvertTo-ReportedTime 'ReportedEndTime' $ReportedEndTime
        aggregationGranularity = $AggregationGranularity
    }
    if ($SubscriberId) { $query['subscriberId'] = $SubscriberId }
    $pairs = $query.GetEnumerator() | ForEach-Object { "$($_.Key)=$([Uri]::EscapeDataString($_.Value))" }
    $next = "$($Endpoint.TrimEnd('/'))/subscriptions/$([Uri]::EscapeDataString($SubscriptionId))/providers/${type}?$($pairs -join '&')"
    while ($next) {
        $page = Get-UsagePage $next $headers $WaitSeconds
        $page.value
        $next = if ($page.PSObject.Properties['nextLink']) { $page.nextLink } else { $null }
        if ($next -and ([Uri] $next).GetLeftPart('Authority') -ne $base.GetLeftPart('Authority')) {
            throw "The next page is at another address: use that of $next as -Endpoint."
        }
    }
}

function Get-UsagePage([string] $Uri, [hashtable] $Headers, [int] $WaitSeconds) {
    $end = [DateTime]::UtcNow.AddSeconds($WaitSeconds)
    while ($true) {
        $answer = Invoke-WebRequest -Uri $Uri -Headers $Headers -SkipHttpErrorCheck -MaximumRedirection 0 -ErrorAction Stop
        if ($answer.StatusCode -eq 200) { return $answer.Content | ConvertFrom-Json -DateKind String }
        $said = try { ($answer.Content | ConvertFrom-Json).error } catch { $null }
        $message = if ($said) { "$($said.code) ($($answer.StatusCode)): $($said.message)" } else { "The API answers $($answer.StatusCode)." }
        $seconds = 0
        $asked = "$($answer.Headers['Retry-After'])"
        if (-not [int]::TryParse($asked, [ref] $seconds)) { $seconds = 30 }
        $passes = $answer.StatusCode -in 202, 429, 502, 503, 504
        if (-not $passes -or [DateTime]::UtcNow.AddSeconds($seconds) -gt $end) { throw $message }
        Write-Verbose "$message Asking again in $seconds s."
        Start-Sleep -Seconds $seconds
    }
}

Export-ModuleMember -Function Get-UsageAggregates
