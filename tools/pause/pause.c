/* The first process of every pod: holds the pod's namespaces, and with a shared process namespace reaps what is orphaned. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    sigset_t all;
    int signal;
    sigfillset(&all);
    /* Blocked and waited for, not handled: nothing can arrive between two calls and be lost. */
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (sigwait(&all, &signal) == 0) {
        if (signal == SIGTERM || signal == SIGINT)
            return 0;
        if (signal == SIGCHLD)
            while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
    }
    return 1;
}
