@{
    RootModule        = 'UsagePipeline.psm1'
    ModuleVersion     = '0.1.0'
    GUID              = 'b3c1c7f4-6d52-4b0e-9a55-2f0b7c2d9e61'
    Description       = 'Reads usage from the usage API of the usage pipeline, as Get-UsageAggregates of Azure does.'
    PowerShellVersion = '7.5'
    FunctionsToExport = @('Get-UsageAggregates')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
