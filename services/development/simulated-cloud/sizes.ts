/** Sizes of machines that Azure Stack Hub offers, and their virtual cores. */
const CORES = {
  1: 'A0 A1 A1_v2 D1 D1_v2 DS1 DS1_v2 F1 F1s',
  2: 'A2 A5 A2_v2 A2m_v2 D2 D2_v2 D11 D11_v2 DS2 DS2_v2 DS11 DS11_v2 F2 F2s F2s_v2',
  4: 'A3 A6 A4_v2 A4m_v2 D3 D3_v2 D12 D12_v2 DS3 DS3_v2 DS12 DS12_v2 F4 F4s F4s_v2',
  8: 'A4 A7 A8_v2 A8m_v2 D4 D4_v2 D13 D13_v2 DS4 DS4_v2 DS13 DS13_v2 F8 F8s F8s_v2',
  16: 'D14 D5_v2 D14_v2 DS14 DS5_v2 DS14_v2 F16 F16s F16s_v2',
  32: 'F32s_v2',
  64: 'F64s_v2',
} as const;

export const VM_CORES: ReadonlyMap<string, number> = new Map(
  Object.entries(CORES).flatMap(([cores, names]) =>
    names.split(' ').map((name) => [`Standard_${name}`, Number(cores)] as const),
  ),
);

/** Managed disks by tier: the meter that counts months of one. */
export const DISK_METERS: ReadonlyMap<string, string> = new Map([
  ['S4', '380874f9-300c-48e0-95a0-d2d9a21ade8f'],
  ['S6', '1b77d90f-427b-4435-b4f1-d78adec53222'],
  ['S10', 'd5f7731b-f639-404a-89d0-e46186e22c8d'],
  ['S15', 'ff85ef31-da5b-4eac-95dd-a69d6f97b18a'],
  ['S20', '88ea9228-457a-4091-adc9-ad5194f30b6e'],
  ['S30', '5b1db88a-8596-4002-8052-347947c26940'],
  ['S40', '14496322-39cb-4d33-b67d-39b0c2de0c8e'],
  ['S50', '8c003d25-afb4-4f21-b1fa-86a5b0f001c7'],
  ['P4', '7660b45b-b29d-49cb-b816-59f30fbab011'],
  ['P6', '817007fd-a077-477f-bc01-b876f27205fd'],
  ['P10', 'e554b6bc-96cd-4938-a5b5-0da990278519'],
  ['P15', 'cdc0f53a-62a9-4472-a06c-e99a23b02907'],
  ['P20', 'b9cb2d1a-84c2-4275-aa8b-70d2145d59aa'],
  ['P30', '06bde724-9f94-43c0-84c3-d0fc54538369'],
  ['P40', 'eecb2657-e7e6-47f9-9b00-7f58fa8839cb'],
  ['P50', '43626c21-849b-40fe-8c01-e19666059c38'],
]);

export type DiskTier = 'standard' | 'premium';

export const tierOf = (diskSize: string): DiskTier =>
  diskSize.startsWith('P') ? 'premium' : 'standard';

/** Public addresses by how they are allocated. */
export const ADDRESS_METERS: ReadonlyMap<string, string> = new Map([
  ['static', 'F271A8A388C44D93956A063E1D2FA80B'],
  ['dynamic', '9E2739BA86744796B465F64674B822BA'],
]);
