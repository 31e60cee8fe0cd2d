/* The cyclic exchange of SOEM, measured: process data out and in at a fixed period, distributed clocks on.
 *
 *     soem INTERFACE PERIOD_US WARM_UP CYCLES
 *
 * Prints one line: devices, exchanges without a full working counter, mean and median CPU time of a cycle's sending and
 * receiving in nanoseconds. */

#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "ethercat.h"

static char image[16384];

static ecx_portt port;
static ec_slavet slaves[EC_MAXSLAVE];
static int slave_count;
static ec_groupt groups[EC_MAXGROUP];
static uint8 esi_buffer[EC_MAXEEPBUF];
static uint32 esi_map[EC_MAXEEPBITMAP];
static ec_eringt errors;
static ec_idxstackT index_stack;
static boolean error;
static int64 dc_time;
static ec_SMcommtypet sm_types[EC_MAX_MAPT];
static ec_PDOassignt pdo_assignments[EC_MAX_MAPT];
static ec_PDOdesct pdo_descriptions[EC_MAX_MAPT];
static ec_eepromSMt eeprom_managers;
static ec_eepromFMMUt eeprom_fmmus;

static ecx_contextt context = {
    .port = &port,
    .slavelist = slaves,
    .slavecount = &slave_count,
    .maxslave = EC_MAXSLAVE,
    .grouplist = groups,
    .maxgroup = EC_MAXGROUP,
    .esibuf = esi_buffer,
    .esimap = esi_map,
    .elist = &errors,
    .idxstack = &index_stack,
    .ecaterror = &error,
    .DCtime = &dc_time,
    .SMcommtype = sm_types,
    .PDOassign = pdo_assignments,
    .PDOdesc = pdo_descriptions,
    .eepSM = &eeprom_managers,
    .eepFMMU = &eeprom_fmmus,
};

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t at_ns)
{
    struct timespec at = {(time_t)(at_ns / 1000000000u), (long)(at_ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {
    }
}

static int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

int main(int count, char **words)
{
    if (count != 5)
        return 2;
    uint64_t period_ns = strtoull(words[2], NULL, 10) * 1000;
    int warm_up = atoi(words[3]), cycles = atoi(words[4]);
    uint64_t *took = calloc((size_t)cycles, sizeof *took);
    if (!took || !ecx_init(&context, words[1]) || ecx_config_init(&context, FALSE) <= 0) {
        fprintf(stderr, "no devices on %s\n", words[1]);
        return 1;
    }
    for (int slave = 1; slave <= slave_count; slave++) {
        /* Neither side is stopped by a host that is busy: ticks of 100 us. */
        uint16 ticks = htoes(10000);
        ecx_FPWR(&port, slaves[slave].configadr, 0x0420, sizeof ticks, &ticks, EC_TIMEOUTSAFE);
    }
    ecx_configdc(&context);
    if (ecx_config_map_group(&context, image, 0) > (int)sizeof image)
        return 1;
    for (int slave = 1; slave <= slave_count; slave++)
        ecx_dcsync0(&context, (uint16)slave, TRUE, (uint32)period_ns, 0);
    if (ecx_statecheck(&context, 0, EC_STATE_SAFE_OP, 5000000) != EC_STATE_SAFE_OP) {
        ecx_readstate(&context);
        for (int slave = 1; slave <= slave_count; slave++)
            if (slaves[slave].state != EC_STATE_SAFE_OP)
                fprintf(stderr, "device %d stays in state %d, AL status code %#x\n", slave, slaves[slave].state,
                        slaves[slave].ALstatuscode);
        return 1;
    }
    ecx_send_processdata(&context);
    ecx_receive_processdata(&context, 20000);
    slaves[0].state = EC_STATE_OPERATIONAL;
    ecx_writestate(&context, 0);

    mlockall(MCL_CURRENT | MCL_FUTURE);
    int expected = groups[0].outputsWKC * 2 + groups[0].inputsWKC, incomplete = 0;
    uint64_t start_ns = now_ns(CLOCK_MONOTONIC), total_ns = 0;
    for (int cycle = -warm_up; cycle < cycles; cycle++) {
        start_ns += period_ns;
        sleep_until(start_ns);
        uint64_t before = now_ns(CLOCK_THREAD_CPUTIME_ID);
        ecx_send_processdata(&context);
        uint64_t cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - before;
        /* The answers are back by then: nobody waits for them. */
        sleep_until(start_ns + period_ns / 4 * 3);
        before = now_ns(CLOCK_THREAD_CPUTIME_ID);
        int counter = ecx_receive_processdata(&context, 100);
        cpu_ns += now_ns(CLOCK_THREAD_CPUTIME_ID) - before;
        if (cycle >= 0) {
            took[cycle] = cpu_ns;
            total_ns += cpu_ns;
            incomplete += counter != expected;
        }
    }
    if (ecx_statecheck(&context, 0, EC_STATE_OPERATIONAL, 50000) != EC_STATE_OPERATIONAL) {
        fprintf(stderr, "not every device is in OP\n");
        return 1;
    }
    qsort(took, (size_t)cycles, sizeof *took, by_size);
    printf("%d %d %" PRIu64 " %" PRIu64 "\n", slave_count, incomplete, total_ns / (uint64_t)cycles, took[cycles / 2]);
    slaves[0].state = EC_STATE_INIT;
    ecx_writestate(&context, 0);
    ecx_close(&context);
    return 0;
}
