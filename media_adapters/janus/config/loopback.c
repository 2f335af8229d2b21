/* Janus offers no candidates on loopback interfaces. On a machine that has nothing else, or in tests that must not
 * leave it, this library is preloaded into Janus (media_address = 127.0.0.1) and hides the flag that tells them apart.
 * Built by the backend: cc -shared -fPIC -O2 loopback.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stddef.h>
#include <sys/socket.h>

typedef int (*getifaddrs_function)(struct ifaddrs **);

int getifaddrs(struct ifaddrs **interfaces) {
	getifaddrs_function original = (getifaddrs_function)dlsym(RTLD_NEXT, "getifaddrs");
	if (original == NULL)
		return -1;
	int result = original(interfaces);
	if (result != 0)
		return result;
	for (struct ifaddrs *one = *interfaces; one != NULL; one = one->ifa_next)
		if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET)
			one->ifa_flags &= ~(unsigned int)IFF_LOOPBACK;
	return 0;
}
